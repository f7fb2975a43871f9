"""Harbor Health as the demonstration knows it: suppliers, items, departments. All of it is invented.

The tables repeat what the site's crosswalks say, on purpose: the expected figures are computed from these,
never from what the engine read. A test holds the two together.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple


class SupplierRow(NamedTuple):
    number: str
    name: str
    isa_id: str
    city: str
    state: str
    terms_days: int


class ItemRow(NamedTuple):
    """`cost` is what one base unit costs us; `charge` what a patient's account is charged, None: not chargeable."""

    number: str
    hospital_code: str
    description: str
    supplier: str
    catalog_number: str
    cost: Decimal
    per_box: int
    charge_code: str | None
    charge: Decimal | None


class DepartmentRow(NamedTuple):
    code: str
    facility: str
    cost_center: str


SUPPLIERS: tuple[SupplierRow, ...] = (
    SupplierRow("S1001", "Alderbrook Surgical Supply", "ALDERBROOK", "Port Ellery", "ME", 30),
    SupplierRow("S1002", "Brightwater Glove Works", "BRIGHTWATER", "Lower Tarn", "VT", 30),
    SupplierRow("S1003", "Caldera Implants", "CALDERA", "Mesa Verdigris", "NM", 45),
    SupplierRow("S1004", "Dunmore Sterile Systems", "DUNMORE", "Dunmore Falls", "NY", 30),
    SupplierRow("S1005", "Eastfold Catheter Company", "EASTFOLD", "Eastfold", "OH", 30),
    SupplierRow("S1006", "Fennimore Laboratory Goods", "FENNIMORE", "Old Fennimore", "WI", 60),
    SupplierRow("S1007", "Greyhaven Linen and Gown", "GREYHAVEN", "Greyhaven", "MA", 30),
    SupplierRow("S1008", "Hollin Ridge Medical", "HOLLINRIDGE", "Hollin Ridge", "KY", 45),
)

CLINIC_ISA_ID = "HARBORCLINIC"
OUR_ISA_ID = "HARBORHEALTH"

DEPARTMENTS: tuple[DepartmentRow, ...] = (
    DepartmentRow("M-OR", "HARBOR-MAIN", "6100"),
    DepartmentRow("M-CATH", "HARBOR-MAIN", "6110"),
    DepartmentRow("M-ED", "HARBOR-MAIN", "6120"),
    DepartmentRow("M-ICU", "HARBOR-MAIN", "6130"),
    DepartmentRow("M-LAB", "HARBOR-MAIN", "6150"),
    DepartmentRow("N-OR", "HARBOR-NORTH", "6100"),
    DepartmentRow("N-ED", "HARBOR-NORTH", "6120"),
    DepartmentRow("N-ICU", "HARBOR-NORTH", "6130"),
    DepartmentRow("C-CLIN", "HARBOR-CLINIC", "6180"),
    DepartmentRow("W-CSSD", "HARBOR-CW", "6160"),
)

# number, hospital code, description, supplier, catalog number, cost, per box, charge code, charge
_ITEMS = """
M10001 OR-TRO-12   Trocar_12_mm                      S1001 ASB-2012   21.4000   6 02720031  64.00
M10002 OR-TRO-05   Trocar_5_mm                       S1001 ASB-2005   18.7500   6 02720032  56.00
M10003 OR-STA-60   Linear_stapler_60_mm              S1001 ASB-6060  148.9000   3 02720040 447.00
M10004 OR-STR-60   Stapler_reload_60_mm              S1001 ASB-6061   61.2500  12 02720041 184.00
M10005 OR-CLP-10   Clip_applier_10_mm                S1001 ASB-1010   87.3000   3 02720044 262.00
M10006 GN-GLV-S    Examination_glove_small           S1002 BW-100S     0.0825 100 -        -
M10007 GN-GLV-M    Examination_glove_medium          S1002 BW-100M     0.0825 100 -        -
M10008 GN-GLV-L    Examination_glove_large           S1002 BW-100L     0.0825 100 -        -
M10009 OR-GLV-75   Surgical_glove_sterile_7.5        S1002 BW-775      1.1400  50 -        -
M10010 OR-GLV-80   Surgical_glove_sterile_8.0        S1002 BW-780      1.1400  50 -        -
M10011 IM-HIP-52   Acetabular_cup_52_mm              S1003 CAL-C52   912.0000   1 02780011 2736.00
M10012 IM-HIP-HD   Femoral_head_32_mm                S1003 CAL-H32   438.5000   1 02780012 1315.50
M10013 IM-HIP-ST   Femoral_stem_size_11              S1003 CAL-S11  1204.0000   1 02780013 3612.00
M10014 IM-KNE-TB   Tibial_tray_size_4                S1003 CAL-T04   864.2500   1 02780021 2592.75
M10015 IM-SCR-35   Cortical_screw_3.5_mm             S1003 CAL-K35    17.8000  10 02780031  53.40
M10016 CS-WRP-24   Sterilization_wrap_24_in          S1004 DSS-W24     0.6450 240 -        -
M10017 CS-IND-04   Steam_indicator_class_4           S1004 DSS-I04     0.1280 250 -        -
M10018 CS-PCH-10   Peel_pouch_10_in                  S1004 DSS-P10     0.2140 200 -        -
M10019 CS-TRY-LP   Laparoscopy_tray                  S1004 DSS-TLP    46.8000   4 02720060 140.00
M10020 CS-DRP-LP   Laparoscopy_drape                 S1004 DSS-DLP    12.3500  10 02720061  37.00
M10021 CL-CTH-06   Angiography_catheter_6_F          S1005 EF-A06     34.9000   5 02720070 104.70
M10022 CL-GWR-35   Guide_wire_0.035_in               S1005 EF-G35     22.1500  10 02720071  66.45
M10023 CL-BAL-30   Balloon_catheter_3.0_mm           S1005 EF-B30    187.0000   1 02720072 561.00
M10024 CL-STN-30   Coronary_stent_3.0_mm             S1005 EF-S30    742.5000   1 02780041 2227.50
M10025 IC-CVC-03   Central_line_kit_3_lumen          S1005 EF-CV3     58.6000   5 02720075 175.80
M10026 LB-TUB-SS   Serum_separator_tube              S1006 FLG-SST     0.1930 100 -        -
M10027 LB-TUB-ED   EDTA_tube_4_mL                    S1006 FLG-E04     0.1785 100 -        -
M10028 LB-NDL-21   Collection_needle_21_G            S1006 FLG-N21     0.2260 100 -        -
M10029 LB-SWB-NP   Nasopharyngeal_swab               S1006 FLG-SNP     0.8900  50 -        -
M10030 LB-CON-90   Specimen_container_90_mL          S1006 FLG-C90     0.3120 100 -        -
M10031 OR-GWN-XL   Surgical_gown_extra_large         S1007 GH-GXL      3.8700  20 -        -
M10032 OR-GWN-L    Surgical_gown_large               S1007 GH-GL       3.4500  20 -        -
M10033 GN-SHT-DS   Draw_sheet                        S1007 GH-DS       1.9600  50 -        -
M10034 GN-TWL-OR   Operating_room_towel_sterile      S1007 GH-TOR      0.7325  80 -        -
M10035 GN-MSK-N    Procedure_mask                    S1008 HR-MSK      0.0940  50 -        -
M10036 GN-SYR-10   Syringe_10_mL                     S1008 HR-S10      0.1160 100 -        -
M10037 GN-IVS-01   Infusion_set                      S1008 HR-IV1      2.2750  50 02700010  6.80
M10038 GN-IVC-20   Peripheral_catheter_20_G          S1008 HR-C20      1.4850  50 02700011  4.50
M10039 GN-DRS-TR   Transparent_dressing              S1008 HR-DTR      0.9350 100 02700012  2.80
M10040 ED-SUT-KT   Suture_kit                        S1008 HR-SKT      7.6400  20 02700020  22.90
"""


def _item(row: str) -> ItemRow:
    number, code, description, supplier, catalog, cost, per_box, charge_code, charge = row.split()
    chargeable = charge_code != "-"
    return ItemRow(
        number,
        code,
        description.replace("_", " "),
        supplier,
        catalog,
        Decimal(cost),
        int(per_box),
        charge_code if chargeable else None,
        Decimal(charge) if chargeable else None,
    )


ITEMS: tuple[ItemRow, ...] = tuple(_item(row) for row in _ITEMS.strip().splitlines())
CHARGEABLE: tuple[ItemRow, ...] = tuple(item for item in ITEMS if item.charge_code)

# Charges that are not supplies. The first four digits of a charge code are its revenue code family.
SERVICES: tuple[tuple[str, str, Decimal], ...] = (
    ("02500117", "Pharmacy dose", Decimal("18.40")),
    ("03000204", "Chemistry panel", Decimal("92.00")),
    ("03600015", "Operating room time 15 min", Decimal("640.00")),
    ("04500002", "Emergency visit level 3", Decimal("410.00")),
    ("01100001", "Room and board", Decimal("1180.00")),
)


def items_of(supplier: str) -> tuple[ItemRow, ...]:
    return tuple(item for item in ITEMS if item.supplier == supplier)
