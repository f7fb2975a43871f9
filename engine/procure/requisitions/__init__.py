"""From a wish, or from stock that is low, to an order."""
