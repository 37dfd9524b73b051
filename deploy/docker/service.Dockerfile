# The image of one service: docker build --file deploy/docker/service.Dockerfile
#   --build-arg SERVICE=ocrm-api --tag tulou/ocrm-api .
# SERVICE is the name of a folder in services/.

FROM python:3.11-slim AS wheels
WORKDIR /build
COPY requirements.lock .
RUN pip download --no-cache-dir --require-hashes --requirement requirements.lock --dest /wheels

# Only what the service declares is installed, from what was verified by hash above.
FROM python:3.11-slim AS installed
ARG SERVICE
WORKDIR /build
COPY --from=wheels /wheels /wheels
COPY shared shared
COPY services/${SERVICE} services/${SERVICE}
RUN python -m venv /opt/tulou \
    && /opt/tulou/bin/pip install --no-cache-dir --no-index --find-links /wheels \
        ./shared ./services/${SERVICE}

FROM python:3.11-slim
ARG SERVICE
LABEL org.opencontainers.image.title="Tulou CRM: ${SERVICE}" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --system --uid 10001 --create-home --home-dir /home/tulou tulou \
    && install --directory --owner tulou --group tulou /var/lib/tulou
COPY --from=installed /opt/tulou /opt/tulou
WORKDIR /var/lib/tulou
ENV PATH=/opt/tulou/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001
VOLUME /var/lib/tulou
