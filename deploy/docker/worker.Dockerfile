# The worker that runs models: TensorFlow, and the weights of every model that a worker loads at its start.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

# A lock is whole: no resolver runs, whose answer would change with each upstream release.
# Dependencies lie in a layer of their own, which stays the same while only Atelier's code changes.
FROM ${PYTHON_IMAGE} AS dependencies
ARG DEVICE=cpu
ENV PIP_NO_CACHE_DIR=1
RUN apt-get update && apt-get install --yes --no-install-recommends binutils
RUN python -m venv --without-pip /opt/atelier
COPY requirements/worker.txt requirements/worker-gpu.txt requirements/tensorflow-cpu.txt /build/
# On x86_64 PyPI's `tensorflow` has the kernels of CUDA in it; `tensorflow-cpu` is the same version without, and
# computes the same bytes. That for aarch64 has none.
RUN set -eu; cd /build; case "$DEVICE-$(uname -m)" in \
        cpu-x86_64) sed -i '/^tensorflow==/,/[^\\]$/d' worker.txt; cat tensorflow-cpu.txt >> worker.txt ;; \
        cpu-*) ;; \
        gpu-x86_64) cp worker-gpu.txt worker.txt ;; \
        *) echo "there is no worker for DEVICE=$DEVICE on $(uname -m)" >&2; exit 1 ;; \
    esac
# What goes serves compilers of TensorFlow's C++ code, the style wheel's own engine, plots of trainings, colored sources, the
# API, and the packages' own tests: no worker imports it. A library's names of inner functions serve debuggers alone.
RUN pip --python /opt/atelier install --no-deps --require-hashes -r /build/worker.txt \
    && { pip --python /opt/atelier check | grep -v 'requires tensorflow, which is not installed' > /build/faults || true; } \
    && { cat /build/faults; ! grep -v '^No broken requirements' /build/faults; } \
    && pip --python /opt/atelier uninstall --yes libclang onnxruntime matplotlib fonttools contourpy kiwisolver pyparsing \
        cycler pygments flask-swagger-ui gunicorn \
    && cd /opt/atelier/lib/python3.*/site-packages \
    && rm -rf tensorflow/include \
    && find . -path '*/tests' -type d -not -path './tensorflow/*' -prune -exec rm -rf {} + \
    && find onnx/backend/test -mindepth 1 -maxdepth 1 -name data -exec rm -rf {} + \
    && find tensorflow -name '*.so*' -type f -size +1M -exec strip --strip-unneeded {} + \
    && strip --strip-unneeded obstore/*.so

FROM dependencies AS package
WORKDIR /build
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY api api
COPY atelier atelier
COPY shared shared
COPY worker worker
RUN pip --python /opt/atelier install --no-deps --no-build-isolation --no-index --prefix /install .

FROM ${PYTHON_IMAGE} AS base
# Python's images come without compiled modules, and a container here can keep none: each start would compile them.
RUN set -eu; stdlib=$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))'); \
    rm -rf "$stdlib"/ensurepip "$stdlib"/idlelib "$stdlib"/lib2to3 "$stdlib"/test "$stdlib"/turtledemo "$stdlib"/tkinter; \
    python -m compileall -q -x /site-packages/ "$stdlib"; \
    groupadd --gid 10001 atelier; \
    useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin atelier; \
    install -d -o atelier -g atelier /var/lib/atelier /var/lib/atelier/storage /var/lib/atelier/models \
        /var/lib/atelier/tuning; \
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
    ATELIER_WORKER_HEALTH_FILE=/tmp/worker.health
USER 10001:10001
WORKDIR /var/lib/atelier
# So a start builds nothing. A new named volume mounted on the folder begins with these models.
RUN atelier models pull && rm -rf /tmp/* /tmp/.[!.]*
CMD ["python", "-m", "worker.watch", "--file", "/tmp/worker.health"]
ARG VERSION=development
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Atelier worker" \
    org.opencontainers.image.description="Runs the models of Atelier, a job service for making pictures" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}"
