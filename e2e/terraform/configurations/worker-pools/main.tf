# Every block of google_cloud_run_v2_worker_pool; those that exclude each other are in pools of their own.

resource "google_cloud_run_v2_worker_pool" "full" {
  name                = "full"
  location            = var.region
  deletion_protection = false
  description         = var.description
  annotations         = { "example.test/owner" = "shop" }
  labels              = { team = "shop" }
  client              = "terraform"
  client_version      = "1.0"
  launch_stage        = "BETA"

  scaling {
    manual_instance_count = 2
  }

  template {
    annotations     = { "example.test/reviewed" = "yes" }
    labels          = { tier = "back" }
    revision        = "full-one"
    service_account = "runner"

    containers {
      name        = "main"
      image       = "gcr.io/shop/work:1"
      command     = ["/work"]
      args        = ["--queue", "orders"]
      working_dir = "/srv"
      depends_on  = ["database"]

      env {
        name  = "MODE"
        value = "test"
      }
      env {
        name = "PASSWORD"
        value_source {
          secret_key_ref {
            secret  = "password"
            version = "latest"
          }
        }
      }

      resources {
        limits = {
          cpu    = "2"
          memory = "1Gi"
        }
      }

      volume_mounts {
        name       = "scratch"
        mount_path = "/scratch"
        sub_path   = "main"
      }
      volume_mounts {
        name       = "key"
        mount_path = "/key"
      }
      volume_mounts {
        name       = "bucket"
        mount_path = "/bucket"
      }
      volume_mounts {
        name       = "share"
        mount_path = "/share"
      }
      volume_mounts {
        name       = "cloudsql"
        mount_path = "/cloudsql"
      }

      startup_probe {
        initial_delay_seconds = 2
        timeout_seconds       = 3
        period_seconds        = 5
        failure_threshold     = 4
        http_get {
          path = "/started"
          port = 9000
          http_headers {
            name  = "x-probe"
            value = "startup"
          }
        }
      }

      liveness_probe {
        initial_delay_seconds = 2
        timeout_seconds       = 3
        period_seconds        = 5
        failure_threshold     = 4
        http_get {
          path = "/alive"
          port = 9000
          http_headers {
            name  = "x-probe"
            value = "liveness"
          }
        }
      }
    }

    containers {
      name  = "database"
      image = "gcr.io/shop/database:1"
      startup_probe {
        tcp_socket {
          port = 5432
        }
      }
      liveness_probe {
        tcp_socket {
          port = 5432
        }
      }
    }

    volumes {
      name = "scratch"
      empty_dir {
        medium     = "MEMORY"
        size_limit = "64Mi"
      }
    }
    volumes {
      name = "key"
      secret {
        secret       = "key"
        default_mode = 292
        items {
          path    = "key.pem"
          version = "latest"
          mode    = 256
        }
      }
    }
    volumes {
      name = "bucket"
      gcs {
        bucket        = "shop"
        read_only     = true
        mount_options = ["implicit-dirs"]
      }
    }
    volumes {
      name = "share"
      nfs {
        server    = "10.0.0.9"
        path      = "/share"
        read_only = true
      }
    }
    volumes {
      name = "cloudsql"
      cloud_sql_instance {
        instances = ["shop:europe-west1:orders"]
      }
    }
  }

  instance_splits {
    type    = "INSTANCE_SPLIT_ALLOCATION_TYPE_LATEST"
    percent = 40
  }
  instance_splits {
    type     = "INSTANCE_SPLIT_ALLOCATION_TYPE_REVISION"
    revision = "full-one"
    percent  = 60
  }
}

# What has no effect in a cluster, or does something else (docs/terraform.md).
resource "google_cloud_run_v2_worker_pool" "google" {
  name                = "google"
  location            = var.region
  deletion_protection = false
  description         = var.description

  binary_authorization {
    policy                   = "projects/shop/platforms/cloudRun/policies/strict"
    breakglass_justification = "an emergency"
  }

  template {
    encryption_key                   = "projects/shop/locations/europe-west1/keyRings/ring/cryptoKeys/key"
    encryption_key_revocation_action = "SHUTDOWN"
    encryption_key_shutdown_duration = "3600s"
    gpu_zonal_redundancy_disabled    = true

    node_selector {
      accelerator = "nvidia-l4"
    }

    containers {
      image = "gcr.io/shop/train:1"

      resources {
        limits = {
          cpu              = "4"
          memory           = "16Gi"
          "nvidia.com/gpu" = "1"
        }
      }

      startup_probe {
        grpc {
          port    = 9000
          service = "shop.Train"
        }
      }
      liveness_probe {
        grpc {
          port    = 9000
          service = "shop.Train"
        }
      }
    }

    vpc_access {
      egress = "ALL_TRAFFIC"
      network_interfaces {
        network    = "default"
        subnetwork = "default"
        tags       = ["shop"]
      }
    }
  }
}

# As most worker pools are: all else is the server's.
resource "google_cloud_run_v2_worker_pool" "plain" {
  name                = "plain"
  location            = var.region
  deletion_protection = false
  description         = var.description

  binary_authorization {
    use_default = true
  }

  template {
    containers {
      image = "gcr.io/shop/work:1"
    }
    vpc_access {
      connector = "projects/shop/locations/europe-west1/connectors/office"
    }
  }
}

resource "google_cloud_run_v2_worker_pool_iam_member" "viewer" {
  name     = google_cloud_run_v2_worker_pool.plain.name
  location = var.region
  role     = "roles/run.viewer"
  member   = "user:alice@example.test"
}

resource "google_cloud_run_v2_worker_pool_iam_binding" "developers" {
  name     = google_cloud_run_v2_worker_pool.plain.name
  location = var.region
  role     = "roles/run.developer"
  members  = ["group:shop@example.test", "user:bob@example.test"]
}

resource "google_cloud_run_v2_worker_pool_iam_policy" "all" {
  name     = google_cloud_run_v2_worker_pool.full.name
  location = var.region
  policy_data = jsonencode({
    bindings = [{ role = "roles/run.viewer", members = ["user:bob@example.test"] }]
  })
}

data "google_cloud_run_v2_worker_pool" "full" {
  name     = google_cloud_run_v2_worker_pool.full.name
  location = var.region
}

data "google_cloud_run_v2_worker_pool_iam_policy" "full" {
  name     = google_cloud_run_v2_worker_pool_iam_policy.all.name
  location = var.region
}

output "data" {
  value = {
    count  = data.google_cloud_run_v2_worker_pool.full.scaling[0].manual_instance_count
    policy = jsondecode(data.google_cloud_run_v2_worker_pool_iam_policy.full.policy_data).bindings
  }
}
