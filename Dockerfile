# Two stages: wheels are installed from the lock file where there is a compiler, and run where there is none.
FROM python:3.11-slim-bookworm AS build
WORKDIR /build
COPY requirements.lock ./
RUN python -m venv /opt/isthmus \
 && /opt/isthmus/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY engine ./engine
# The engine itself: its files beside the dependencies, and its command. No package index is asked again.
RUN cp -r engine /opt/isthmus/lib/python3.11/site-packages/engine \
 && printf '#!/opt/isthmus/bin/python\nfrom engine.cli.main import main\n\nmain()\n' > /opt/isthmus/bin/isthmus \
 && chmod 0755 /opt/isthmus/bin/isthmus \
 && /opt/isthmus/bin/python -m compileall -q /opt/isthmus/lib/python3.11/site-packages

FROM python:3.11-slim-bookworm
RUN groupadd --system --gid 10001 isthmus && useradd --system --uid 10001 --gid 10001 --no-create-home isthmus \
 && install -d -o isthmus -g isthmus -m 0700 /site/var /site/data
COPY --from=build /opt/isthmus /opt/isthmus
COPY --chown=root:root channels /site/channels
COPY --chown=root:root transforms /site/transforms
COPY --chown=root:root config /site/config
ENV PATH=/opt/isthmus/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER isthmus
WORKDIR /site
# Everything that is written is below /site/var and /site/data: mount volumes there and run with --read-only --tmpfs /tmp.
VOLUME ["/site/var", "/site/data"]
EXPOSE 6661 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
  CMD ["isthmus", "status", "--site", "/site", "--json"]
CMD ["isthmus", "run", "--site", "/site"]
