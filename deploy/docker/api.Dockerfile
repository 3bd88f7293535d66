# The HTTP side, and the worker for what needs no model: no TensorFlow in here.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

# A lock is whole: no resolver runs, whose answer would change with each upstream release.
# Dependencies lie in a layer of their own, which stays the same while only Atelier's code changes.
FROM ${PYTHON_IMAGE} AS dependencies
ENV PIP_NO_CACHE_DIR=1
RUN python -m venv --without-pip /opt/atelier
COPY requirements/api.txt /build/
RUN pip --python /opt/atelier install --no-deps --require-hashes -r /build/api.txt \
    && pip --python /opt/atelier check

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
RUN pip --python /opt/atelier install --no-deps --no-build-isolation --no-index --prefix /install .

FROM ${PYTHON_IMAGE}
# Python's images come without compiled modules, and a container here can keep none: each start would compile them.
RUN python -m compileall -q -x '/(site-packages|test|idlelib|lib2to3|ensurepip|turtledemo)/' \
    "$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"
RUN groupadd --gid 10001 atelier \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin atelier \
    && install -d -o atelier -g atelier /var/lib/atelier /var/lib/atelier/storage
COPY --from=dependencies /opt/atelier /opt/atelier
COPY --from=package /install /opt/atelier
ENV PATH=/opt/atelier/bin:$PATH \
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
