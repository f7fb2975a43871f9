"""What people see of a matter and may do about it."""
