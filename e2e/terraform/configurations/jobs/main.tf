# Every block of google_cloud_run_v2_job; those that exclude each other are in jobs of their own.

resource "google_cloud_run_v2_job" "full" {
  name                = "full"
  location            = var.region
  deletion_protection = false
  annotations         = { "example.test/owner" = var.description }
  labels              = { team = "shop" }
  client              = "terraform"
  client_version      = "1.0"
  launch_stage        = "BETA"

  template {
    annotations = { "example.test/reviewed" = "yes" }
    labels      = { tier = "back" }
    parallelism = 2
    task_count  = 4

    template {
      max_retries           = 2
      timeout               = "120s"
      service_account       = "runner"
      execution_environment = "EXECUTION_ENVIRONMENT_GEN2"

      containers {
        name        = "main"
        image       = "gcr.io/shop/import:1"
        command     = ["/import"]
        args        = ["--all"]
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
      }

      containers {
        name  = "database"
        image = "gcr.io/shop/database:1"
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
  }
}

# What has no effect in a cluster, or does something else (docs/terraform.md).
resource "google_cloud_run_v2_job" "google" {
  name                  = "google"
  location              = var.region
  deletion_protection   = false
  start_execution_token = "now"
  annotations           = { "example.test/owner" = var.description }

  binary_authorization {
    policy                   = "projects/shop/platforms/cloudRun/policies/strict"
    breakglass_justification = "an emergency"
  }

  template {
    template {
      encryption_key                = "projects/shop/locations/europe-west1/keyRings/ring/cryptoKeys/key"
      gpu_zonal_redundancy_disabled = true

      node_selector {
        accelerator = "nvidia-l4"
      }

      containers {
        name  = "main"
        image = "gcr.io/shop/train:1"
        ports {
          name           = "http1"
          container_port = 8080
        }
        resources {
          limits = {
            cpu              = "4"
            memory           = "16Gi"
            "nvidia.com/gpu" = "1"
          }
        }
      }
      containers {
        name  = "helper"
        image = "gcr.io/shop/helper:1"
        startup_probe {
          grpc {
            port    = 9000
            service = "shop.Helper"
          }
        }
      }
      containers {
        name  = "store"
        image = "gcr.io/shop/store:1"
        startup_probe {
          tcp_socket {
            port = 9001
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
}

# As most jobs are: all else is the server's.
resource "google_cloud_run_v2_job" "plain" {
  name                = "plain"
  location            = var.region
  deletion_protection = false
  run_execution_token = "now"
  annotations         = { "example.test/owner" = var.description }

  binary_authorization {
    use_default = true
  }

  template {
    template {
      containers {
        image = "gcr.io/shop/import:1"
      }
      vpc_access {
        connector = "projects/shop/locations/europe-west1/connectors/office"
      }
    }
  }
}

resource "google_cloud_run_v2_job_iam_member" "caller" {
  name     = google_cloud_run_v2_job.plain.name
  location = var.region
  role     = "roles/run.invoker"
  member   = "user:alice@example.test"
}

resource "google_cloud_run_v2_job_iam_binding" "viewers" {
  name     = google_cloud_run_v2_job.plain.name
  location = var.region
  role     = "roles/run.viewer"
  members  = ["group:shop@example.test", "serviceAccount:ci@shop.iam.gserviceaccount.com"]
}

resource "google_cloud_run_v2_job_iam_policy" "all" {
  name     = google_cloud_run_v2_job.full.name
  location = var.region
  policy_data = jsonencode({
    bindings = [{ role = "roles/run.invoker", members = ["user:bob@example.test"] }]
  })
}

data "google_cloud_run_v2_job" "full" {
  name     = google_cloud_run_v2_job.full.name
  location = var.region
}

data "google_cloud_run_v2_job_iam_policy" "full" {
  name     = google_cloud_run_v2_job_iam_policy.all.name
  location = var.region
}

output "data" {
  value = {
    tasks  = data.google_cloud_run_v2_job.full.template[0].task_count
    policy = jsondecode(data.google_cloud_run_v2_job_iam_policy.full.policy_data).bindings
  }
}
