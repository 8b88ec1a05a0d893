# Builds the program with TLS to PostgreSQL, and ships it with nothing but a C library and the certificates of the world.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked --features postgres-tls && strip target/release/waymark
# Where the embedded database and the signing key are kept, where no others are named: a volume there begins as this folder.
RUN mkdir -p /out/waymark

# For the health check alone: the last image has no shell and no curl.
FROM busybox:1.37-musl AS tools

FROM gcr.io/distroless/cc-debian12:nonroot
LABEL org.opencontainers.image.title="Waymark" org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /src/target/release/waymark /usr/local/bin/waymark
COPY --from=build --chown=10001:10001 /out/waymark /var/lib/waymark
COPY --from=tools /bin/busybox /usr/local/bin/wget
# Inside a container the address is the container's own; what is published is the deployment's to say.
ENV WAYMARK_BIND=0.0.0.0:8080 WAYMARK_DATA_DIR=/var/lib/waymark WAYMARK_LOG_FORMAT=json
USER 10001:10001
VOLUME /var/lib/waymark
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s CMD ["wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8080/readyz"]
ENTRYPOINT ["waymark"]
CMD ["serve"]
