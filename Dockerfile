FROM python:3.11.14-slim-bookworm AS build
WORKDIR /build
COPY requirements.txt ./
RUN python -m venv /opt/tickmux && /opt/tickmux/bin/pip install --no-cache-dir --require-hashes -r requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY adapters/tickmux_adapters adapters/tickmux_adapters
COPY clients/python/tickmux_client clients/python/tickmux_client
COPY generated/python/tickmux generated/python/tickmux
COPY server/tickmux_server server/tickmux_server
COPY simulators/tickmux_simulators simulators/tickmux_simulators
RUN /opt/tickmux/bin/pip install --no-cache-dir --no-deps .

FROM python:3.11.14-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin tickmux
COPY --from=build /opt/tickmux /opt/tickmux
ENV PATH=/opt/tickmux/bin:$PATH PYTHONUNBUFFERED=1
USER 10001
EXPOSE 50051
# Health is SERVING whatever the venues do: restarting the server would not mend a venue.
HEALTHCHECK --interval=10s --timeout=5s --start-period=15s CMD ["tickmux", "health"]
ENTRYPOINT ["tickmux"]
# A container's port is reached from outside it, so it listens on every address; publish it to trusted networks only.
CMD ["serve", "--listen", "0.0.0.0:50051", "--insecure"]
