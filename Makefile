# The front door: `make help` lists what there is.
SHELL := /bin/bash
.DEFAULT_GOAL := help
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

##@ Cluster

.PHONY: cluster
cluster: ## Start a Kubernetes cluster: kind where Docker answers, otherwise a node on this Linux machine
	@e2e/cluster/up

.PHONY: cluster-down
cluster-down: ## Remove the cluster and all that belongs to it
	@e2e/cluster/down

##@ Images

.PHONY: images
images: ## Build the test images and put them into the cluster's registry and its node
	@e2e/images/push hello:1 hello:2
	@e2e/images/load hello:1 hello:2

##@ Other

.PHONY: help
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
