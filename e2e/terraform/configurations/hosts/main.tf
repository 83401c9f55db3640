# One resource for each of the two endpoints.

resource "google_cloud_run_service" "v1" {
  name     = "v1"
  location = var.region

  template {
    spec {
      containers {
        image = "gcr.io/shop/web:1"
      }
    }
  }
}

resource "google_cloud_run_v2_service" "v2" {
  name                = "v2"
  location            = var.region
  deletion_protection = false

  template {
    containers {
      image = "gcr.io/shop/web:1"
    }
  }
}
