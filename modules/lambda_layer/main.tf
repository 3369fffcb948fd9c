locals {
  # The folder with the Makefile, also if Terraform has fetched the module from Git.
  checkout = abspath("${path.module}/../..")
  built    = "${local.checkout}/build/ecs_gitops-layer-${var.architecture}.zip"
}

resource "aws_lambda_layer_version" "this" {
  layer_name               = var.name
  description              = "ecs-gitops: the package with all four handlers, and its dependencies"
  filename                 = var.layer_zip
  source_code_hash         = fileexists(var.layer_zip) ? filebase64sha256(var.layer_zip) : null
  compatible_runtimes      = ["python3.13"]
  compatible_architectures = [var.architecture]

  lifecycle {
    # The old version is deleted after functions and build use the new one, so that no build needs a deleted version.
    create_before_destroy = true

    precondition {
      condition     = fileexists(var.layer_zip)
      error_message = "The layer ${abspath(var.layer_zip)} does not exist. Either run `make layer ARCHITECTURE=${var.architecture}` in ${local.checkout}, which needs only Python and writes ${local.built}; or set layer_zip to a zip that was built elsewhere."
    }
  }
}
