# syntax=docker/dockerfile:1
# Waymark in a container: `docker build -t waymark .`, or see docker-compose.yml.

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
# TLS to PostgreSQL builds OpenSSL from source; perl and make, which that needs, are in this image. libpq, SQLite and OpenSSL
# all end up in the one binary, so that the final image needs no library but glibc.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --features postgres-tls \
    && install -D target/release/waymark /out/waymark

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --system --gid 10001 waymark \
    && useradd --system --uid 10001 --gid waymark --home-dir /var/lib/waymark --create-home --shell /usr/sbin/nologin waymark
COPY --from=build /out/waymark /usr/local/bin/waymark
# SSL_CERT_FILE: the OpenSSL that is built in would look for certificates where this system has none
# (`sslmode=verify-full&sslrootcert=system`).
ENV WAYMARK_BIND=0.0.0.0:8080 \
    WAYMARK_DATA_DIR=/var/lib/waymark \
    WAYMARK_LOG_FORMAT=json \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
USER 10001:10001
WORKDIR /var/lib/waymark
# The embedded database and the signing key, where no others are named.
VOLUME /var/lib/waymark
EXPOSE 8080
# Debian's bash, which is in every Debian image, can speak to a port: no curl is installed only to ask this. It asks the port of
# WAYMARK_BIND, and /readyz tells whether the database answers, too.
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s --retries=3 CMD ["bash", "-c", \
    "exec 3<>/dev/tcp/127.0.0.1/${WAYMARK_BIND##*:} && printf 'GET /readyz HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && [ \"$status\" = 200 ]"]
ENTRYPOINT ["waymark"]
CMD ["serve"]
