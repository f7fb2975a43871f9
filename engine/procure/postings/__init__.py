"""What became of what systems were asked to post, and what is asked of them next."""
