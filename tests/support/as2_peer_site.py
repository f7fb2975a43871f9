"""django-pyas2 as a whole AS2 server, with doors for a test. Runs in an environment of its own, as its own process.

    python -P as2_peer_site.py FOLDER PORT

`FOLDER/agreement.json` says who is who. POST /control/agree changes fields
of its Partner, POST /control/send sends a payload, POST /control/receipts posts the receipts
that wait, GET /control/messages lists what the server knows.
"""

import json
import re
import sys
from base64 import b64encode
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

_search = re.search
_ONE_DIGIT = r"\b(\d\.\d\.\d[a-z]*)\b"  # how oscrypto 1.3.0 reads the version of OpenSSL
re.search = lambda pattern, *rest: _search(_ONE_DIGIT.replace("[a", "+[a") if pattern == _ONE_DIGIT else pattern, *rest)
import oscrypto._openssl._libcrypto_cffi  # noqa: E402, F401

re.search = _search

import django  # noqa: E402
from django.conf import settings  # noqa: E402

FOLDER, PORT = Path(sys.argv[1]), int(sys.argv[2])
AGREEMENT = json.loads((FOLDER / "agreement.json").read_text())

settings.configure(
    DEBUG=False,
    SECRET_KEY="only for tests",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "pyas2"],
    DATABASES={
        "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(FOLDER / "db"), "OPTIONS": {"timeout": 20}}
    },
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    MEDIA_ROOT=str(FOLDER / "data"),
    PYAS2={"DATA_DIR": str(FOLDER / "data"), "MDN_URL": f"http://127.0.0.1:{PORT}/pyas2/as2receive"},
    USE_TZ=True,
)
(FOLDER / "data").mkdir(exist_ok=True)
django.setup()

from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import HttpResponse, JsonResponse  # noqa: E402
from django.urls import include, path  # noqa: E402
from django.views.decorators.csrf import csrf_exempt  # noqa: E402
from pyas2.models import Mdn, Message, Organization, Partner, PrivateKey, PublicCertificate  # noqa: E402
from pyas2lib import Message as As2Message  # noqa: E402


@csrf_exempt
def agree_on(request):
    Partner.objects.filter(as2_name=AGREEMENT["us"]).update(**json.loads(request.body))
    return JsonResponse({})


@csrf_exempt
def send(request):
    partner = Partner.objects.get(as2_name=AGREEMENT["us"])
    organization = Organization.objects.get(as2_name=AGREEMENT["them"])
    made = As2Message(sender=organization.as2org, receiver=partner.as2partner)
    made.build(
        request.body,
        filename="order.edi",
        subject="order",
        content_type=partner.content_type,
        disposition_notification_to="edi@them.example",
    )
    kept, _ = Message.objects.create_from_as2message(
        as2message=made, payload=request.body, filename="order.edi", direction="OUT", status="P"
    )
    for _ in range(int(request.headers.get("X-Times", "1"))):
        kept.send_message(made.headers, made.content)
    kept.refresh_from_db()
    return JsonResponse({"status": kept.status, "detail": kept.detailed_status, "message_id": kept.message_id})


@csrf_exempt
def receipts(request):
    waiting = Mdn.objects.filter(status="P")
    count = len(waiting)
    for one in waiting:
        one.send_async_mdn()
    return JsonResponse({"posted": count})


def messages(request):
    found = []
    for one in Message.objects.all().order_by("timestamp"):
        one.payload.open()
        found.append(
            {
                "message_id": one.message_id,
                "direction": one.direction,
                "status": one.status,
                "detail": one.detailed_status,
                "signed": one.signed,
                "encrypted": one.encrypted,
                "compressed": one.compressed,
                "payload": b64encode(one.payload.read()).decode(),
            }
        )
    return JsonResponse(found, safe=False)


urlpatterns = [
    path("pyas2/", include("pyas2.urls")),
    path("control/agree", agree_on),
    path("control/send", send),
    path("control/receipts", receipts),
    path("control/messages", messages),
    path("control/ready", lambda request: HttpResponse("ready")),
]


def agree():
    key = PrivateKey.objects.create(name="them", key=(FOLDER / "them.pair").read_bytes(), key_pass="sesame")
    ours = PublicCertificate.objects.create(name="us", certificate=(FOLDER / "us.pem").read_bytes(), verify_cert=False)
    Organization.objects.create(name="Them", as2_name=AGREEMENT["them"], encryption_key=key, signature_key=key)
    Partner.objects.create(
        name="Us",
        as2_name=AGREEMENT["us"],
        target_url=AGREEMENT["url"],
        content_type="application/EDI-X12",
        encryption_cert=ours,
        signature_cert=ours,
        mdn=True,
    )


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, *arguments):
        pass


if __name__ == "__main__":
    call_command("migrate", verbosity=0, interactive=False)
    agree()
    make_server("127.0.0.1", PORT, get_wsgi_application(), Server, Quiet).serve_forever()
