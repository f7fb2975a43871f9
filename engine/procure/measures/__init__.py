"""Every figure of the business by documented SQL: what it means, who answers for it, how it is summed."""
