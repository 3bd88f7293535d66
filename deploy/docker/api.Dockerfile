# The HTTP side, and the worker for what needs no model: no TensorFlow in here.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

# A lock is whole: no resolver runs, whose answer would change with each upstream release.
# Dependencies lie in a layer of their own, which stays the same while only Atelier's code changes.
FROM ${PYTHON_IMAGE} AS dependencies
ENV PIP_NO_CACHE_DIR=1
RUN python -m venv --without-pip /opt/atelier
COPY requirements/api.txt /build/
# What goes colors sources: nothing imports it. Packages of others are kept as
# compiled modules alone, as large as their sources; a traceback then names file and line, and shows the lines of Atelier's.
RUN pip --python /opt/atelier install --no-compile --no-deps --require-hashes -r /build/api.txt \
    && pip --python /opt/atelier check \
    && pip --python /opt/atelier uninstall --yes pygments \
    && cd /opt/atelier/lib/python3.*/site-packages \
    && find . -name tests -type d -prune -exec rm -rf {} + \
    && /opt/atelier/bin/python -m compileall -q -b "$PWD" \
    && find . \( -name '*.py' -o -name '*.c' -o -name '*.h' -o -name '*.pxd' -o -name '*.pyx' \) -delete

FROM dependencies AS package
WORKDIR /build
COPY requirements/worker.txt ./
# Only the build needs setuptools; its pin and hashes are those of the worker's list.
RUN sed -n '/^setuptools==/,/[^\\]$/p' worker.txt > build.txt \
    && pip --python /opt/atelier install --no-deps --require-hashes -r build.txt
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY api api
COPY atelier atelier
COPY shared shared
COPY worker worker
RUN pip --python /opt/atelier install --no-deps --no-build-isolation --no-index --prefix /install . \
    && rm -rf /install/lib/python3.*/site-packages/worker/models/weights

FROM ${PYTHON_IMAGE} AS base
# Python's images come without compiled modules, and a container here can keep none: each start would compile them.
RUN set -eu; stdlib=$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))'); \
    rm -rf "$stdlib"/ensurepip "$stdlib"/idlelib "$stdlib"/lib2to3 "$stdlib"/test "$stdlib"/turtledemo "$stdlib"/tkinter; \
    python -m compileall -q -x /site-packages/ "$stdlib"; \
    groupadd --gid 10001 atelier; \
    useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin atelier; \
    install -d -o atelier -g atelier /var/lib/atelier /var/lib/atelier/storage; \
    # Nothing is installed in a container: it needs no installers, nor what they need.
    rm -rf "$stdlib"/site-packages/* /usr/lib/python3/dist-packages/* /usr/share/python-wheels \
        /usr/bin/perl* /usr/lib/*-linux-gnu/perl-base /usr/share/perl* /usr/lib/*-linux-gnu/gconv \
        /usr/share/doc /usr/share/man /usr/share/locale /var/lib/apt/lists /var/cache /var/log/* /build

# Made again, as a layer that removes files makes an image no smaller.
FROM scratch
COPY --from=base / /
COPY --from=dependencies /opt/atelier /opt/atelier
COPY --from=package /install /opt/atelier
ENV PATH=/opt/atelier/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    LANG=C.UTF-8 \
    HOME=/tmp \
    PYTHONUNBUFFERED=1 \
    ATELIER_STATE_DIR=/var/lib/atelier \
    ATELIER_WORKER_HEALTH_FILE=/tmp/worker.health \
    ATELIER_API_HOST=0.0.0.0
USER 10001:10001
WORKDIR /var/lib/atelier
EXPOSE 8480
CMD ["gunicorn", "--config", "python:api.gunicorn_conf"]
ARG VERSION=development
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Atelier API" \
    org.opencontainers.image.description="The HTTP side of Atelier, a job service for making pictures" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}"
