# Every block of google_cloud_run_v2_service; those that exclude each other are in services of their own.

resource "google_cloud_run_v2_service" "full" {
  name                 = "full"
  location             = var.region
  deletion_protection  = false
  description          = var.description
  annotations          = { "example.test/owner" = "shop" }
  labels               = { team = "shop" }
  client               = "terraform"
  client_version       = "1.0"
  ingress              = "INGRESS_TRAFFIC_INTERNAL_ONLY"
  launch_stage         = "BETA"
  custom_audiences     = ["https://shop.example.test"]
  default_uri_disabled = false
  invoker_iam_disabled = true
  iap_enabled          = false

  scaling {
    min_instance_count = 1
    max_instance_count = 4
    scaling_mode       = "AUTOMATIC"
  }

  template {
    annotations                      = { "example.test/reviewed" = "yes" }
    labels                           = { tier = "front" }
    revision                         = "full-one"
    service_account                  = "runner"
    timeout                          = "60s"
    execution_environment            = "EXECUTION_ENVIRONMENT_GEN2"
    max_instance_request_concurrency = 20
    session_affinity                 = true
    health_check_disabled            = false

    scaling {
      min_instance_count = 1
      max_instance_count = 3
    }

    containers {
      name        = "web"
      image       = "gcr.io/shop/web:1"
      command     = ["/web"]
      args        = ["--port", "9000"]
      working_dir = "/srv"
      depends_on  = ["cache"]

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
        cpu_idle          = true
        startup_cpu_boost = true
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

      readiness_probe {
        timeout_seconds   = 3
        period_seconds    = 5
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
      resources {
        limits = {
          cpu    = "1"
          memory = "512Mi"
        }
        cpu_idle          = true
        startup_cpu_boost = true
      }
      startup_probe {
        tcp_socket {
          port = 6379
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

  traffic {
    type    = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
    percent = 40
    tag     = "now"
  }
  traffic {
    type     = "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION"
    revision = "full-one"
    percent  = 60
  }
}

# What has no effect in a cluster, or does something else (docs/terraform.md).
resource "google_cloud_run_v2_service" "google" {
  name                = "google"
  location            = var.region
  deletion_protection = false
  description         = var.description

  binary_authorization {
    policy                   = "projects/shop/platforms/cloudRun/policies/strict"
    breakglass_justification = "an emergency"
  }

  build_config {
    base_image               = "nodejs24"
    enable_automatic_updates = true
    environment_variables    = { MODE = "test" }
    function_target          = "handle"
    image_uri                = "gcr.io/shop/web"
    service_account          = "projects/shop/serviceAccounts/builder@shop.iam.gserviceaccount.com"
    source_location          = "gs://shop/source.zip"
    worker_pool              = "projects/shop/locations/europe-west1/workerPools/builds"
  }

  multi_region_settings {
    regions = ["europe-west1", "us-east1"]
  }

  scaling {
    scaling_mode          = "MANUAL"
    manual_instance_count = 2
  }

  template {
    encryption_key                = "projects/shop/locations/europe-west1/keyRings/ring/cryptoKeys/key"
    gpu_zonal_redundancy_disabled = true

    node_selector {
      accelerator = "nvidia-l4"
    }

    containers {
      image          = "gcr.io/shop/web:1"
      base_image_uri = "europe-docker.pkg.dev/serverless-runtimes/nodejs24"

      resources {
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

# As most services are: all else is the server's.
resource "google_cloud_run_v2_service" "plain" {
  name                = "plain"
  location            = var.region
  deletion_protection = false
  description         = var.description

  binary_authorization {
    use_default = true
  }

  template {
    containers {
      image = "gcr.io/shop/web:1"
      liveness_probe {
        tcp_socket {
          port = 8080
        }
      }
    }
    vpc_access {
      connector = "projects/shop/locations/europe-west1/connectors/office"
    }
  }
}

resource "google_cloud_run_v2_service_iam_member" "caller" {
  name     = google_cloud_run_v2_service.plain.name
  location = var.region
  role     = "roles/run.invoker"
  member   = "user:alice@example.test"
}

resource "google_cloud_run_v2_service_iam_binding" "viewers" {
  name     = google_cloud_run_v2_service.plain.name
  location = var.region
  role     = "roles/run.viewer"
  members  = ["allAuthenticatedUsers", "group:shop@example.test"]
}

resource "google_cloud_run_v2_service_iam_policy" "all" {
  name     = google_cloud_run_v2_service.full.name
  location = var.region
  policy_data = jsonencode({
    bindings = [{ role = "roles/run.invoker", members = ["allUsers"] }]
  })
}

data "google_cloud_run_v2_service" "full" {
  name     = google_cloud_run_v2_service.full.name
  location = var.region
}

data "google_cloud_run_v2_service_iam_policy" "full" {
  name     = google_cloud_run_v2_service_iam_policy.all.name
  location = var.region
}

output "data" {
  value = {
    uri    = data.google_cloud_run_v2_service.full.uri
    policy = jsondecode(data.google_cloud_run_v2_service_iam_policy.full.policy_data).bindings
  }
}
