"""Master data of suppliers: checked, approved, told apart, merged, sent to every system."""
