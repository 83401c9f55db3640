# As a configuration is pointed at a cluster (docs/terraform.md).
terraform {
  required_providers {
    google = {
      source = "hashicorp/google"
    }
  }
}

# Empty where the universe domain leads to the API.
variable "endpoint" {
  type = string
}

variable "universe_domain" {
  type    = string
  default = "cluster.test"
}

variable "token" {
  type      = string
  sensitive = true
}

variable "project" {
  type = string
}

variable "region" {
  type = string
}

# What a second apply changes.
variable "description" {
  type    = string
  default = "first"
}

provider "google" {
  project         = var.project
  region          = var.region
  access_token    = var.token
  universe_domain = var.universe_domain
  poll_interval   = "1s"

  cloud_run_v2_custom_endpoint = var.endpoint == "" ? null : "${var.endpoint}/v2/"
  cloud_run_custom_endpoint    = var.endpoint == "" ? null : "${var.endpoint}/"
}
