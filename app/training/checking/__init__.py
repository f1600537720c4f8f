"""What is wrong, or odd, with labelled pictures: found before a network is trained on them."""
