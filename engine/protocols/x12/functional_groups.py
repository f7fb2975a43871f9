"""Functional identifiers (GS01) and the set each carries. Source: X12 element 479 in 004010 and 005010."""

from __future__ import annotations

# The supply chain's and health care's own sets by GS01; a group may carry one kind of set only.
SET_OF_GROUP: dict[str, frozenset[str]] = {
    "PO": frozenset({"850"}),
    "PR": frozenset({"855"}),
    "PC": frozenset({"860"}),
    "CA": frozenset({"865"}),
    "SH": frozenset({"856"}),
    "IN": frozenset({"810"}),
    "RA": frozenset({"820"}),
    "SC": frozenset({"832"}),
    "IB": frozenset({"846"}),
    "PT": frozenset({"867"}),
    "AG": frozenset({"824"}),
    "FA": frozenset({"997", "999"}),
    "HP": frozenset({"835"}),
    "HC": frozenset({"837"}),
}

_NAMES = (
    "AA AB AC AD AF AG AH AI AK AL AM AN AO AP AQ AR AS AT AU AV AW AX AY AZ BC BD BE BF BL BS CA CB CC CD CE CF CH "
    "CI CJ CK CM CN CO CP CR CS CT CV D3 D4 D5 DA DD DF DI DM DS DX EC ED EI EN EO EP ER ES EV EX FA FB FC FG FH FR FT "
    "GB GC GE GF GL GP GR GT HB HC HI HN HP HR HS HU HV IA IB IC ID IE IF IG IH II IJ IM IN IO IP IR IS JB KM LA LB LI "
    "LN LR LS LT MA MC MD ME MF MG MH MI MJ MK MM MN MO MP MQ MR MS MT MV MW MX MY MZ NC NL NP NR NT OC OG OR OW PA PB "
    "PC PD PE PF PG PH PI PJ PK PL PN PO PQ PR PS PT PU PV PW PY QG QM QO RA RB RC RD RE RF RG RH RI RJ RK RL RM RN RO "
    "RP RQ RR RS RT RU RV RW RX RY RZ S SA SB SC SD SE SH SI SJ SL SM SN SO SP SQ SR SS ST SU SV SW TA TB TD TE TF TI "
    "TJ TM TN TO TP TR TS TT TU TX UA UB UC UD UI UP UW VA VB VC VD VE VH VI VS WA WB WG WI WL WR WT"
)
FUNCTIONAL_IDS = frozenset(_NAMES.split(" "))
