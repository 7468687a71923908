# syntax=docker/dockerfile:1
# Builds Larder and puts the program alone into a small image.
#   docker build -t larder . && docker run -p 6379:6379 larder

FROM rust:1.95-slim-bookworm AS build
# mimalloc is a C library: the compiler is in the image, make is not needed.
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /larder
COPY Cargo.toml Cargo.lock ./
# The dependencies first, so that a change of the sources does not build them again.
RUN mkdir -p src benches && echo 'fn main() {}' > src/main.rs && touch src/lib.rs \
    && for bench in $(sed -n 's/^name = "\(.*\)"$/\1/p' Cargo.toml | tail -n +2); do echo 'fn main() {}' > "benches/$bench.rs"; done \
    && cargo build --release --locked && rm -rf src benches
COPY . .
RUN touch src/main.rs src/lib.rs && cargo build --release --locked && strip target/release/larder

FROM debian:bookworm-slim
RUN groupadd --system --gid 999 larder && useradd --system --uid 999 --gid larder --home-dir /data --create-home larder
COPY --from=build /larder/target/release/larder /usr/local/bin/larder
COPY config/container-entrypoint.sh /usr/local/bin/container-entrypoint
# Compose files that say `command: redis-server --requirepass x` go on working.
RUN ln -s larder /usr/local/bin/redis-server && ln -s larder /usr/local/bin/valkey-server \
    && chmod 755 /usr/local/bin/container-entrypoint
# In a container, what is published decides who can connect, as in the official images. A password is still worth having.
ENV LARDER_OPTIONS="--bind '*' -::* --protected-mode no"
USER larder
WORKDIR /data
EXPOSE 6379
HEALTHCHECK --interval=10s --timeout=3s --start-period=2s CMD ["larder", "ping"]
ENTRYPOINT ["container-entrypoint"]
CMD ["larder"]
