# The front door; `make` alone lists what there is. What a step does is written
# in the script that it calls.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.NOTPARALLEL:
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

dependencies := node_modules/.package-lock.json

$(dependencies): package-lock.json
	@e2e/dependencies

##@ Code

.PHONY: generate
generate: $(dependencies) ## Make CRDs, docs and the chart's parts from their declarations
	@npm run --silent generate

.PHONY: lint
lint: $(dependencies) ## Check types and style
	@npm run --silent lint

.PHONY: test
test: $(dependencies) ## Run every test: pure, fake API server, real API server, real cluster
	@node e2e/test.ts

.PHONY: fuzz
fuzz: SEED := $(shell echo $$RANDOM)
fuzz: $(dependencies) ## Fuzz the gateway from both sides, its replicas, scale-ins, admission and all properties: COUNT cases (100,000), from SEED (random)
	@node operator/gateway/fuzz/main.ts --count $(or $(COUNT),100000) --seed $(SEED)
	@node operator/gateway/fuzz/ownership.ts --count $(or $(COUNT),1000000) --seed $(SEED)
	@node operator/webhook/fuzz/main.ts --count $(or $(COUNT),100000) --seed $(SEED)
	@SEED=$(SEED) HOMERUN_OBJECTS=5000 mocha --reporter dot $$(grep -rl --include='*.test.ts' "from 'fast-check'" operator)

.PHONY: simulate
simulate: $(dependencies) ## Simulate scaling for a day: TRAFFIC (all, or a name or file), RETENTION seconds; docs/autoscaling.md
	@node operator/autoscaler/simulation/main.ts $(if $(TRAFFIC),--traffic "$(TRAFFIC)") $(if $(RETENTION),--retention "$(RETENTION)")

##@ Try it

.PHONY: demo
demo: deploy images ## Show on a real cluster what Homerun does, from the first YAML to a traffic split
	@e2e/in node e2e/demo.ts

.PHONY: conformance
conformance: deploy ## Run Knative Serving's own conformance tests against it, API and runtime
	@e2e/conformance/run

.PHONY: gcloud
gcloud: deploy images ## Run gcloud's commands on a real cluster (needs gcloud; make test runs most of them where it is installed)
	@e2e/in mocha 'e2e/gcloud/**/*.test.ts'

.PHONY: kn
kn: deploy images ## Use a service by kn, Knative's own client (make test does too, once this has built it)
	@e2e/in mocha e2e/scenarios/clients/kn.test.ts

.PHONY: builds
builds: deploy images build-images ## Build sources on the cluster (needs gcloud; make test does too, once this has built the builders)
	@e2e/in mocha e2e/scenarios/build.test.ts

.PHONY: keda
keda: $(dependencies) ## Let KEDA's own operator scale a worker pool (make test does too, once this has built it)
	@mocha 'e2e/keda/**/*.test.ts'

.PHONY: promtool
promtool: $(dependencies) ## Check alert rules and dashboards by Prometheus' own promtool (make test does too, once this has built it)
	@mocha 'e2e/promtool/*.test.ts'

.PHONY: argocd
argocd: $(dependencies) ## Let Argo CD's own controller apply services, jobs and pools (make test does too, once this has built it)
	@mocha 'e2e/argocd/**/*.test.ts'

.PHONY: flux
flux: $(dependencies) ## Let Flux's own controller apply services, jobs and pools (make test does too, once this has built it)
	@mocha 'e2e/flux/*.test.ts'

.PHONY: skaffold
skaffold: $(dependencies) ## Deploy to the Admin API by Skaffold (make test does too, once this has built it)
	@e2e/cluster/tool skaffold >/dev/null
	@mocha 'e2e/skaffold/*.test.ts'

.PHONY: s3
s3: deploy images ## Keep sources in a server of the S3 API (make test does too, once this has built it)
	@e2e/cluster/tool s3 >/dev/null
	@mocha 'e2e/s3/*.test.ts'
	@e2e/in mocha e2e/scenarios/platform/sources.test.ts

.PHONY: terraform
terraform: $(dependencies) ## Run Google's provider for Terraform against the Admin API (make test does too, once this has built it)
	@e2e/cluster/tool tofu terraform-provider-google >/dev/null
	@mocha 'e2e/terraform/*.test.ts'

.PHONY: bench
bench: deploy images ## Measure it, against plain Kubernetes in the same run (e2e/bench/results.json)
	@e2e/bench/programs >/dev/null
	@e2e/in node e2e/bench/main.ts

.PHONY: chaos
chaos: $(dependencies) ## Break a cluster of its own again and again under load, two replicas of each role: ROUNDS (100), from SEED (1)
	@e2e/chaos/start $(or $(SEED),1) $(or $(ROUNDS),100)

.PHONY: scale
scale: $(dependencies) ## Measure it at a thousand services, without a node: SERVICES, REVISIONS, PODS and more (CONTRIBUTING.md; e2e/scale/results.json)
	@node e2e/scale/main.ts

##@ Cluster

.PHONY: cluster
cluster: ## Start a cluster: kind where a Docker engine answers, otherwise a node on this Linux machine
	@e2e/cluster/up

.PHONY: cluster-down
cluster-down: ## Remove the cluster and all that belongs to it
	@e2e/cluster/down

.PHONY: images
images: cluster ## Put the test images into the cluster's registry and its node
	@e2e/images/push hello:1 hello:2 contract:1 contract-node:1
	@e2e/images/load hello:1 hello:2 contract:1 contract-node:1

.PHONY: build-images
build-images: cluster
	@e2e/images/push buildkit:1 builder:1
	@e2e/images/load buildkit:1 builder:1

##@ Homerun itself

.PHONY: image
image: $(dependencies) ## Build Homerun's image and print where it is (an OCI layout)
	@e2e/images/build homerun:dev

.PHONY: sbom
sbom: $(dependencies) ## Write bills of materials (CycloneDX) of package-lock.json and the image to dist/sbom (needs npm 10)
	@node e2e/images/sbom.ts

.PHONY: deploy
deploy: $(dependencies) cluster ## Build the image and install or upgrade the chart on the cluster
	@e2e/deploy

##@ Help

.PHONY: help
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
