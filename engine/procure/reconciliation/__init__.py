"""The books here and in the ERP compared."""
