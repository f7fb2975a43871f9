"""A row of the ERP's budgets to Budget. Source: config/layouts/budgets.yaml."""

from engine.sdk import Budget, DimensionValue, DocumentError, Money, TabularMessage


def transform(message: TabularMessage) -> Budget:
    row = message.row
    if row.number("amount") < 0:
        raise DocumentError("a budget is nothing or more", where=f"{row.where}, amount", remedy="ask finance")
    return Budget(
        dimension=DimensionValue(type="cost_center", code=row.text("cost_center")),
        period=row.text("period"),
        amount=Money(amount=row.number("amount")),
        spent=Money(amount=row.number("spent")) if row.get("spent") else None,
        is_hard=row.text("hard") == "yes",
    )
