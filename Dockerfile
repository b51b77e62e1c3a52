# One image for every process of the fleet: the command says which (`router`, `pool openai`, `web` …).
FROM node:24-slim

WORKDIR /app
ENV NODE_ENV=production
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts && npm cache clean --force
COPY tsconfig.json LICENSE ./
COPY src ./src
COPY queues ./queues
COPY workers ./workers
COPY scripts ./scripts
COPY examples ./examples

# The program runs as it is, without a build; `modelfleet` works inside the container too (docker compose exec).
RUN printf '#!/bin/sh\nexec node /app/scripts/modelfleet.ts "$@"\n' > /usr/local/bin/modelfleet \
  && chmod +x /usr/local/bin/modelfleet \
  && mkdir /data && chown node:node /data

# The file store. It is for one machine: every process of a fleet must see the same folder.
ENV MODELFLEET_DATA=/data
VOLUME /data
WORKDIR /data
USER node
EXPOSE 3000

ENTRYPOINT ["modelfleet"]
CMD ["--help"]
