"""Scenarios of procure-to-pay: each a course of events at the hospital, played on the shipped site with a real ERP.

Rules for writing one (a module of this folder, entered in `catalog.py`):

- A `Scenario` is data: its name (`SC7`), title, what is set in the copied site's configuration, and its variants. The
  first variant is the good course; the others are what goes wrong.
- A variant is played by one coroutine `play(hospital, tell)`. It does things through `Hospital` only, as the systems
  around the engine would: messages through the doors, decisions through the API, the ERP through its own window.
- Every step is told: `tell.does(...)` says who does what and when; `await tell.sees(text, wanted, look)` says what is
  seen and looks until it is so, or until patience ends; `await tell.stays(text, wanted, look)` looks once all is
  quiet, for what must not happen. Amounts are texts or Decimals, to the cent, worked out here by hand and never with
  the engine's own code.
- Say what, who, money and why; a reader who knows the trade and not the product must understand the story.
- Numbers of documents carry the variant's letters, so that all variants share one engine and one ERP, in any order.
  What all of them need (items, suppliers, orders of before) is sent once, in `Scenario.prepare`.
- Scenarios with the same settings share a start. A variant takes two seconds, a scenario fifteen at the most.
- A channel that the site lacks is a channel of the shipped site, with cases, under channels/.
"""
