"""Every kind of finding, in one table: code, title, explanation, severity. The reference page comes from it."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Code(NamedTuple):
    title: str
    explanation: str
    severity: Literal["error", "warning"] = "error"


CODES: dict[str, Code] = {
    # ---- the file itself
    "C001": Code("Unknown setting", "The key is not one that this place knows. Most often it is a slip of the pen."),
    "C002": Code("Missing setting", "A setting without a default was not given."),
    "C003": Code("Wrong kind of value", "Text where a number is needed, one value where a list is needed, and so on."),
    "C004": Code("Value not in the right form", "The text does not follow the form that the setting asks for."),
    "C005": Code("Value out of range", "The number or length is outside what the setting allows."),
    "C006": Code("Value not among the choices", "The setting takes one of a few words, and this is none of them."),
    "C007": Code("Duration without a unit", "`30` could be seconds or minutes; durations are written `30s`, `15m`."),
    "C008": Code("Size without a unit", "Sizes are written with a unit: `64KiB`, `16MB`."),
    "C009": Code("Settings that do not fit together", "Each value is fine alone; together they make no sense."),
    "C010": Code("Not readable as YAML", "The file breaks the rules of YAML, so nothing in it can be used."),
    "C011": Code("Tab used for indentation", "YAML is indented with spaces only."),
    "C012": Code("Key given twice", "Only one of the two could win, and nobody would see which."),
    "C013": Code("File too large or too deep", "Far more values, levels or aliases than a configuration can need."),
    "C014": Code("YAML tag refused", "Tags such as `!!python/object` can run code; only plain values are read."),
    "C015": Code("File without settings", "The file is empty or does not hold keys and values."),
    "C016": Code("File that cannot be read", "The file is missing, not UTF-8, or may not be opened."),
    # ---- a channel's place among the others
    "C020": Code("Unknown connector type", "No source or destination of this name is installed."),
    "C021": Code("Two channels of one name", "A channel's name is its identity in the journal, so it must be unique."),
    "C022": Code("File name and channel name differ", "A channel lives in a file of its own name.", "warning"),
    "C023": Code("Two destinations of one name", "Queues are kept by the destination's name."),
    "C024": Code("Address already taken", "Two listeners cannot share one host and port."),
    "C025": Code("Unknown channel", "A destination or source names a channel that is not in this site."),
    "C026": Code("Channels in a circle", "Messages would go round for ever."),
    "C027": Code("Disabled channel as destination", "Messages would queue until someone enables it."),
    "C028": Code("Source without destinations", "Messages are kept and go nowhere; rarely meant.", "warning"),
    "C029": Code("Channel without an owner", "Nobody is named to ask when it stops.", "warning"),
    # ---- transform scripts
    "C030": Code("Transform not found", "There is no script of this name in `transforms/`."),
    "C031": Code("Transform that is not Python", "The script has a syntax error."),
    "C032": Code("No `transform` function", "The script must define `def transform(message, …)`."),
    "C033": Code("Parameters and lookups differ", "Each lookup is handed over by name, so the names must match."),
    "C034": Code("Import not allowed", "Scripts import `engine.sdk` and harmless parts of the standard library."),
    "C035": Code("Float where money may be", '`0.1` is not exact; write `Decimal("0.1")`.'),
    "C036": Code("Name that runs code or opens files", "Scripts are pure: message in, documents out."),
    "C037": Code("Unused transform", "No channel uses this script.", "warning"),
    "C038": Code("Unknown name imported", "`engine.sdk` has nothing of this name."),
    "C039": Code("Async transform", "A transform is a plain function; it waits for nothing."),
    # ---- lookups
    "C040": Code("Unknown crosswalk", "There is no file of this name in `config/crosswalks/`."),
    "C041": Code("Crosswalk key given twice", "One code would mean two things."),
    "C042": Code("Crosswalk row malformed", "Each row has exactly two columns: from and to."),
    "C043": Code("Unused crosswalk", "No channel uses it.", "warning"),
    "C044": Code("Crosswalk value empty", "The code would turn into nothing.", "warning"),
    "C045": Code("Lookups without a transform", "Only a script can use lookups."),
    "C046": Code("Two crosswalks of one name", "A lookup could mean either of them."),
    "C047": Code("Crosswalk rows overlap", "On some days one code would mean two things."),
    # ---- messages and documents
    "C050": Code("Impossible message type", "HL7 defines no such message, or not with this event."),
    "C051": Code("Message type of another protocol", "The source's format has other message types than this."),
    "C052": Code("Impossible field", "The segment has no such field in any version of HL7."),
    "C053": Code("Path not understood", "Paths are written `PID-3.1`, `RQD[2]-5`, `BEG03` or `order.number`."),
    "C054": Code("Unknown document kind", "`send:` names a canonical document, or `message`."),
    "C055": Code("Document that is never made", "The transform makes no document of this kind."),
    "C056": Code(
        "No such field in the document", "`order_by`, `when` or `map` names a field that the kind does not have."
    ),
    "C057": Code("Expression not understood", "`filter:` and `when:` take a comparison, not a program."),
    "C058": Code("Destination takes no documents", "This connector sends messages only, or documents only."),
    "C059": Code("Message type listed twice", "Once is enough.", "warning"),
    "C060": Code("Required field not mapped", "The document cannot be made without it."),
    "C061": Code("Unknown segment", "HL7 has no such segment and it is not a Z segment."),
    "C062": Code(
        "Acknowledgement that goes nowhere",
        "Partners wait for a 997 or TA1 to what they send, and no destination of this channel takes it.",
        "warning",
    ),
    "C065": Code("SOAP service that cannot be used", "Its WSDL, schema or template is absent or does not fit."),
    "C066": Code("Unknown SOAP operation", "The WSDL has no operation of this name."),
    # ---- deliveries
    "C069": Code(
        "Tried longer than repeats are known",
        "A stream of NATS tells a repeat within `duplicate_window` only; a later retry could arrive twice.",
    ),
    "C070": Code("Unknown fallback", "`fallback:` names a destination of the same channel."),
    "C071": Code("Fallbacks in a circle", "Each would wait for the other."),
    "C072": Code("Fallback that is not on standby", "It would receive everything twice."),
    "C073": Code("Standby that nobody uses", "Nothing would ever be sent there.", "warning"),
    "C074": Code("Gives up before the first retry", "`give_up_after` is shorter than the first wait."),
    "C075": Code("First wait longer than the longest", "Waits grow from `first` to `longest`."),
    "C076": Code("Unknown time zone", "Zones are IANA names such as `America/Chicago`."),
    "C077": Code("Window that is never open or never closed", "Start and end are the same."),
    "C078": Code("Sender waits for a slow system", "`after_delivery` keeps the sender waiting for the ERP.", "warning"),
    "C079": Code("Limit out of all proportion", "Far above or below what a message can need.", "warning"),
    "C080": Code("Unknown connection", "There is no connection of this name in `config/connections.yaml`."),
    "C081": Code("Unused connection", "No channel uses it.", "warning"),
    "C082": Code("Unknown partner", "There is no partner of this name in `config/partners/`."),
    "C083": Code("Two partners with one identity", "An interchange could not be told to come from one of them."),
    "C084": Code("Unknown character set", "Bytes could not be read as text."),
    "C085": Code("Receipts that nobody takes", "AS2 receipts that are posted later need an `as2` source of the site."),
    "C086": Code("Certificate that is not there", "An AS2 channel cannot start without its certificates."),
    "C087": Code("Transport that the partner does not have", "`transport:` takes what the partner's file says of it."),
    "C088": Code("Partner without a transport", "Its file should say how it is reached, for all channels.", "warning"),
    "C089": Code("Reached otherwise than its file says", "A new host would be changed in one place only.", "warning"),
    # ---- security
    "C090": Code("Secret in clear", "Secrets are given by reference: `env:NAME`, `file:PATH` or `store:NAME`."),
    "C091": Code("Open to the network without TLS", "The listener can be reached from elsewhere, unencrypted."),
    "C092": Code("HTTP source without authentication", "Anybody who reaches it could post messages."),
    "C093": Code("Path outside the site", "`..` leaves the site's folder."),
    "C094": Code("Password in an address", "Addresses end up in logs; give the password by reference."),
    "C095": Code(
        "Patient data as a business key",
        "Business keys are kept in the open for search; a patient's name or number does not belong there.",
        "warning",
    ),
    # ---- cases
    "C100": Code("Channel without cases", "Nothing shows that it does what it should.", "warning"),
    "C101": Code("Case without input", "A case needs one `input.*` file."),
    "C102": Code("Case without expectation", "A case needs `expect.yaml` saying what should come out."),
    "C103": Code("Case that names a missing file", "The file named in the expectation is not there."),
    "C104": Code("Cases of no channel or policy", "There is none of this name beside the folder.", "warning"),
    # ---- layouts of tables
    "C120": Code("Two layouts of one name", "A channel could mean either of them."),
    "C121": Code("Unknown layout", "There is no file of this name in `config/layouts/`."),
    "C122": Code(
        "Layout and format do not belong together", "A table needs a layout of its own kind, others need none."
    ),
    "C123": Code("Unused layout", "No channel uses it.", "warning"),
    "C124": Code("No such column in the layout", "`index:` or `filter:` names a value that no row has."),
    "C125": Code("File name and layout name differ", "A layout lives in a file of its own name.", "warning"),
    # ---- policies
    "C130": Code("Unknown policy", "A policy's file has the name of its part: such as `people.yaml`."),
    "C131": Code("Unknown role or person", "Nobody of this name is in `people.yaml`, so nobody would be asked."),
    "C132": Code("Delegations in a circle", "Each hands on to the next and the last to the first: nobody acts."),
    "C133": Code("Two rules for the same", "Both apply to exactly the same, and only the first would ever count."),
    "C134": Code("Step that nobody can approve", "No one of those who are asked may approve so much.", "warning"),
    "C135": Code("Amounts between two routes", "Requests of such an amount would be approved by nobody."),
    "C136": Code("Unknown calendar", "There is no business calendar of this name in `calendars.yaml`."),
    "C137": Code(
        "Managers, roles or departments in a circle", "Somebody would report to herself, or stand in for her."
    ),
    "C138": Code("Delegation without effect", "It is for days on which one of the two is not here.", "warning"),
    "C139": Code("Pattern that no exception has", "The rule would never take anything.", "warning"),
    # ---- the process
    "C140": Code("Command that is not answered", "The process would never hear what became of it.", "warning"),
    "C141": Code("Name that nothing else in the site has", "The rule would never apply to anything.", "warning"),
    "C142": Code("Step of a plan that no channel takes", "What comes before it would wait for it for ever.", "warning"),
    # ---- policies about money
    "C143": Code("Amounts that two routes take", "Which of them counts depends on which is written first.", "warning"),
    "C144": Code("Limit in a currency without a rate", "Only amounts in that currency can be within it.", "warning"),
    "C145": Code("Routes for the same in two currencies", "Whether they overlap changes with the rates."),
    "C146": Code("Two routes of one name", "People and reports know a route by its name."),
    "C147": Code("Setting without effect", "What stands beside it makes it say nothing.", "warning"),
}

ADVICE: dict[str, str] = {
    "C001": "remove it, or look it up in the reference",
    "C003": "look the setting up in the reference",
    "C004": "look the setting up in the reference",
    "C005": "choose a value within the limits",
    "C009": "change one of them so that they fit",
    "C016": "check that the file is there and may be read",
    "C020": "look up the types there are in docs/reference/connectors.md",
    "C025": "make that channel first, or name another",
    "C030": "write the script, or name another",
    "C034": "import from engine.sdk what is there",
    "C038": "look up what engine.sdk offers in docs/reference/documents.md",
    "C050": "ask the sender which message types it sends",
    "C052": "look the field up in the sender's specification",
    "C054": "look up the kinds in docs/reference/documents.md",
    "C055": "let the transform make it, or send what it makes",
    "C056": "look up the fields in docs/reference/documents.md",
    "C057": "look up the language in docs/reference/expressions.md",
    "C061": "look the segment up in the sender's specification; own segments begin with Z",
    "C062": "add a destination with format: x12 and send: X12Acknowledgement",
    "C070": "name a destination of this channel",
    "C092": "give token: env:NAME, or tls: with client_ca:",
}
"""What to do when a finding has no better advice of its own."""
