"""Invented messages of Harbor Health, for tests that show messages to people. No real person, number or address."""

from __future__ import annotations

REQUISITION = (
    "MSH|^~\\&|ORSYS|HARBOR-MAIN|ISTHMUS|HARBOR|20261120091405-0600||OMS^O05^OMS_O05|{control}|P|2.5.1|||AL|AL\r"
    "PID|1||MR-000{n:04d}^^^HARBOR^MR||TESTPATIENT^{given}^Q||19700101|F|||12 SAMPLE LN^^HARBORVIEW^WA^98000\r"
    "PV1|1|I|OR3^^^HARBOR-MAIN||||||||||||||||V-77{n:04d}\r"
    "ORC|NW|{requisition}|||||||20261120091405|NURSE7^SAMPLE^ALEX\r"
    "RQD|1|{item}^SUTURE 3-0 ABSORBABLE^HARBOR|{item}|88-{item}|{quantity}|BX|CC-4410-OR|||20261121\r"
    "RQD|2|400217^DRAPE LAPAROTOMY STERILE^HARBOR|400217|88-400217|12|EA|CC-4410-OR|||20261121\r"
    "NTE|1||Theatre 3 stock below par. Please substitute only after calling the desk on the third floor before noon.\r"
)
CHARGE = (
    "MSH|^~\\&|ORCHARGE|HARBOR-NORTH|ISTHMUS|HARBOR|20261120101500||DFT^P03^DFT_P03|{control}|P|2.5.1\r"
    "EVN|P03|20261120101500\r"
    "PID|1||MR-000{n:04d}^^^HARBOR^MR||TESTPATIENT^{given}\r"
    "PV1|1|O|SURG^^^HARBOR-NORTH||||||||||||||||V-77{n:04d}\r"
    "FT1|1|||20261120|20261120|CG|{item}^STAPLER LINEAR 60MM^CDM||| 1|412.50|||CC-4410-OR\r"
    "FT1|2|||20261120|20261120|CG|400217^DRAPE LAPAROTOMY STERILE^CDM|||2|18.20|||CC-4410-OR\r"
)
INVOICE = (
    "ISA*00*          *00*          *ZZ*CASCADEMED     *ZZ*HARBOR         *261120*0730*U*00401*{n:09d}*0*P*>~"
    "GS*IN*CASCADEMED*HARBOR*20261120*0730*{n}*X*004010~ST*810*0001~"
    "BIG*20261119*{invoice}*20261102*{order}~N1*SE*Cascade Medical Supply*92*S-1004~"
    "IT1*1*24*BX*38.40**VP*{item}*PD*SUTURE 3-0~IT1*2*12*EA*18.20**VP*400217*PD*DRAPE LAPAROTOMY~"
    "TDS*114000~CTT*2~SE*8*0001~GE*1*{n}~IEA*1*{n:09d}~"
)
SUPPLIER = (
    '{{"supplier_number": "S-{n:04d}", "name": "Olympic Sterile Products", "tax_identifier": "00-0000000",'
    ' "address": {{"street": "400 Sample Wharf", "city": "Harborview", "state": "WA", "postal_code": "98000"}},'
    ' "payment_terms_days": 30}}'
)
ADMISSION = (
    "MSH|^~\\&|ADT|HARBOR-MAIN|ISTHMUS|HARBOR|20261120080000||ADT^A01^ADT_A01|{control}|P|2.5.1\r"
    "EVN|A01|20261120080000\r"
    "PID|1||MR-000{n:04d}^^^HARBOR^MR||TESTPATIENT^{given}\r"
    "PV1|1|I|MED2^201^A^HARBOR-MAIN\r"
)

REQUISITION_DOCUMENT = (
    '{{"requisition_number": "{requisition}", "facility": "HARBOR-MAIN", "requested_on": "2026-11-20",'
    ' "requester": "NURSE7", "urgency": "routine", "note": null, "lines": ['
    '{{"number": 1, "item_number": "{item}", "description": "Suture 3-0 absorbable",'
    ' "quantity": {{"amount": "{quantity}", "unit": "BX"}}, "cost_center": "CC-4410-OR",'
    ' "anticipated_price": {{"amount": "38.40", "currency": "USD"}}, "needed_by": "2026-11-21"}},'
    '{{"number": 2, "item_number": "400217", "description": "Drape laparotomy sterile",'
    ' "quantity": {{"amount": "12", "unit": "EA"}}, "cost_center": "CC-4410-OR",'
    ' "anticipated_price": {{"amount": "18.20", "currency": "USD"}}, "needed_by": "2026-11-21"}}]}}'
)
INVOICE_DOCUMENT = (
    '{{"invoice_number": "{invoice}", "supplier_number": "S-1004", "invoiced_on": "2026-11-19",'
    ' "order_number": "{order}", "currency": "USD", "stated_total": {{"amount": "1140.00", "currency": "USD"}},'
    ' "lines": [{{"number": 1, "item_number": "{item}", "quantity": {{"amount": "24", "unit": "BX"}},'
    ' "price": {{"amount": "38.40", "currency": "USD"}}}},'
    '{{"number": 2, "item_number": "400217", "quantity": {{"amount": "12", "unit": "EA"}},'
    ' "price": {{"amount": "18.20", "currency": "USD"}}}}]}}'
)
GIVEN = ("ALPHA", "BRAVO", "CHARLIE", "DELTA", "ECHO", "FOXTROT", "GOLF", "HOTEL")
