"""The study: the article's questions, asked of eight networks trained alike."""
