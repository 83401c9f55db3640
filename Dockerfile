# Homerun's image: one for all roles. `docker build -t REGISTRY/homerun:TAG .`
FROM --platform=$BUILDPLATFORM node:24-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY operator operator
RUN npm run bundle
# The program by its name, for whoever runs it in a pod: kubectl exec POD -- homerun doctor.
RUN printf '#!/nodejs/bin/node\nimport("/app/main.js");\n' >homerun && chmod 755 homerun

# The bundle is plain JavaScript, so only this stage is made for each platform.
FROM gcr.io/distroless/nodejs24-debian12:nonroot
COPY --from=build /src/dist /app
COPY --from=build /src/homerun /usr/local/bin/homerun
WORKDIR /app
ENV NODE_ENV=production
USER 65532:65532
ENTRYPOINT ["/nodejs/bin/node", "/app/main.js"]
