# Every block of google_cloud_run_service and google_cloud_run_domain_mapping; those that exclude each other are in services
# of their own.

resource "google_cloud_run_service" "full" {
  name     = "full"
  location = var.region

  metadata {
    namespace = var.project
    labels    = { team = "shop" }
    annotations = {
      "run.googleapis.com/description"  = var.description
      "run.googleapis.com/launch-stage" = "BETA"
      "run.googleapis.com/ingress"      = "internal"
    }
  }

  template {
    metadata {
      name      = "full-two"
      namespace = var.project
      labels    = { tier = "front" }
      annotations = {
        "autoscaling.knative.dev/minScale"          = "1"
        "autoscaling.knative.dev/maxScale"          = "3"
        "run.googleapis.com/container-dependencies" = jsonencode({ web = ["cache"] })
        "run.googleapis.com/execution-environment"  = "gen2"
        "run.googleapis.com/startup-cpu-boost"      = "true"
      }
    }

    spec {
      service_account_name  = "runner"
      timeout_seconds       = 60
      container_concurrency = 20

      containers {
        name    = "web"
        image   = "gcr.io/shop/web:1"
        command = ["/web"]
        args    = ["--port", "9000"]

        ports {
          name           = "h2c"
          container_port = 9000
        }

        env {
          name  = "MODE"
          value = "test"
        }
        env {
          name = "PASSWORD"
          value_from {
            secret_key_ref {
              name = "password"
              key  = "latest"
            }
          }
        }

        resources {
          limits = {
            cpu    = "2000m"
            memory = "1Gi"
          }
        }

        volume_mounts {
          name       = "scratch"
          mount_path = "/scratch"
          sub_path   = "web"
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

        readiness_probe {
          timeout_seconds   = 3
          period_seconds    = 5
          success_threshold = 2
          failure_threshold = 4
          http_get {
            path = "/ready"
            port = 9000
          }
        }
      }

      containers {
        name  = "cache"
        image = "gcr.io/shop/cache:1"
        startup_probe {
          tcp_socket {
            port = 6379
          }
        }
      }

      volumes {
        name = "scratch"
        empty_dir {
          medium     = "Memory"
          size_limit = "64Mi"
        }
      }
      volumes {
        name = "key"
        secret {
          secret_name  = "key"
          default_mode = 292
          items {
            key  = "latest"
            path = "key.pem"
            mode = 256
          }
        }
      }
      volumes {
        name = "bucket"
        csi {
          driver            = "gcsfuse.run.googleapis.com"
          read_only         = true
          volume_attributes = { bucketName = "shop" }
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
    }
  }

  traffic {
    latest_revision = true
    percent         = 40
    tag             = "now"
  }
  traffic {
    revision_name = "full-two"
    percent       = 60
  }
}

resource "google_cloud_run_service" "gpu" {
  name                       = "gpu"
  location                   = var.region
  autogenerate_revision_name = true

  metadata {
    annotations = { "run.googleapis.com/description" = var.description }
  }

  template {
    spec {
      node_selector = { "run.googleapis.com/accelerator" = "nvidia-l4" }

      containers {
        image       = "gcr.io/shop/web:1"
        working_dir = "/srv"
        ports {
          container_port = 8080
          protocol       = "TCP"
        }
        resources {
          requests = { cpu = "2" }
          limits = {
            cpu              = "4"
            memory           = "16Gi"
            "nvidia.com/gpu" = "1"
          }
        }
        startup_probe {
          grpc {
            port    = 8080
            service = "shop.Web"
          }
        }
        liveness_probe {
          grpc {
            port    = 8080
            service = "shop.Web"
          }
        }
        readiness_probe {
          grpc {
            port    = 8080
            service = "shop.Web"
          }
        }
      }
    }
  }
}

# As most services are: all else is the server's.
resource "google_cloud_run_service" "plain" {
  name     = "plain"
  location = var.region

  metadata {
    annotations = { "run.googleapis.com/description" = var.description }
  }

  template {
    spec {
      containers {
        image = "gcr.io/shop/web:1"
      }
    }
  }
}

resource "google_cloud_run_service_iam_member" "caller" {
  service  = google_cloud_run_service.plain.name
  location = var.region
  role     = "roles/run.invoker"
  member   = "user:alice@example.test"
}

resource "google_cloud_run_service_iam_binding" "viewers" {
  service  = google_cloud_run_service.plain.name
  location = var.region
  role     = "roles/run.viewer"
  members  = ["allAuthenticatedUsers", "group:shop@example.test"]
}

resource "google_cloud_run_service_iam_policy" "all" {
  service  = google_cloud_run_service.full.name
  location = var.region
  policy_data = jsonencode({
    bindings = [{ role = "roles/run.invoker", members = ["allUsers"] }]
  })
}

resource "google_cloud_run_domain_mapping" "shop" {
  name     = "shop.example.test"
  location = var.region

  metadata {
    namespace   = var.project
    labels      = { team = "shop" }
    annotations = { "example.test/owner" = "shop" }
  }

  spec {
    route_name       = google_cloud_run_service.plain.name
    certificate_mode = "NONE"
    force_override   = true
  }
}

data "google_cloud_run_service" "full" {
  name     = google_cloud_run_service.full.name
  location = var.region
}

data "google_cloud_run_service_iam_policy" "full" {
  service  = google_cloud_run_service_iam_policy.all.service
  location = var.region
}

data "google_cloud_run_locations" "all" {}

output "data" {
  value = {
    url       = data.google_cloud_run_service.full.status[0].url
    policy    = jsondecode(data.google_cloud_run_service_iam_policy.full.policy_data).bindings
    locations = data.google_cloud_run_locations.all.locations
  }
}
