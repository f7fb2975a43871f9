"""What a person did on the approval platform to ApprovalAction. Source: docs/site.md, "Approvals".

A requisition's first wish is approved under the requisition's number, a changed one under that with `.2` and so on; a
supplier or a merge under the number that its case names.
"""

from datetime import datetime

from engine.sdk import ApprovalAction, ApprovalVerb, DocumentError, JsonMessage

VERBS = {"approved": ApprovalVerb.APPROVE, "rejected": ApprovalVerb.REJECT}
DOSSIERS = {"requisition", "order", "invoice", "supplier"}


def transform(message: JsonMessage) -> ApprovalAction:
    kind, verb = message.require("kind"), message.require("decision")
    if kind not in DOSSIERS or verb not in VERBS:
        remedy = "ask the platform's operator what was decided"
        what = "neither approved nor rejected, or of what is not known"
        raise DocumentError(what, where="kind, decision", remedy=remedy)
    subject = message.require("subject")
    return ApprovalAction(
        action_number=message.require("action"),
        approval_number=message.get("approval") or subject,
        dossier=f"{kind}:{subject}",
        action=VERBS[verb],
        who=message.require("person"),
        at=datetime.fromisoformat(message.require("at")),
        reason=message.get("reason"),
        origin="approvals",
    )
