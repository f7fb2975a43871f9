"""What is paid, by whom it is told of, and what must not be paid yet."""
