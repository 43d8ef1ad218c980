# syntax=docker/dockerfile:1
# The service without a database: API, worker and migrations of one image.
ARG PYTHON=python:3.13-slim

FROM ${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /srv/redumbrella
RUN python3 -m venv .venv
# The lock alone decides this layer, so a change of code does not install anything again.
COPY requirements-image.lock ./
RUN .venv/bin/python -m pip install --require-hashes -r requirements-image.lock
COPY pyproject.toml ./
COPY app app
RUN .venv/bin/python -m pip install --no-deps --no-build-isolation --editable . \
    && .venv/bin/python -m compileall -q app .venv/lib

FROM ${PYTHON}
ENV PATH=/srv/redumbrella/.venv/bin:$PATH PYTHONUNBUFFERED=1
WORKDIR /srv/redumbrella
RUN groupadd --gid 10001 redumbrella \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin redumbrella \
    && install -d -o 10001 -g 10001 -m 0700 /var/lib/redumbrella
COPY --from=build /srv/redumbrella /srv/redumbrella
COPY alembic.ini ./
COPY migrations migrations
USER 10001:10001
VOLUME /var/lib/redumbrella
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python3", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
ENTRYPOINT ["redumbrella"]
CMD ["api", "--host", "0.0.0.0"]
