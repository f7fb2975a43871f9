"""Is what an invoice asks for what was ordered, received and agreed, and not asked for before?"""
