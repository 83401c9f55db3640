# As a configuration is pointed at a cluster (docs/terraform.md).
terraform {
  required_providers {
    google = {
      source = "hashicorp/google"
    }
  }
}

variable "endpoint" {
  type = string
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
  universe_domain = "cluster.test"
  poll_interval   = "1s"

  cloud_run_v2_custom_endpoint = "${var.endpoint}/v2/"
  cloud_run_custom_endpoint    = "${var.endpoint}/"
}
