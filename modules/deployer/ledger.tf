# The functions' rights in the ledger's bucket, each for the functions that it lists. The README of modules/ledger says
# what is below each key.
locals {
  # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
  ledger_rights = concat(
    [
      {
        functions = ["init_config"]
        statement = {
          # https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
          Sid      = "ReadSettings"
          Effect   = "Allow"
          Action   = ["s3:GetObject"]
          Resource = ["${var.ledger_bucket_arn}/settings/instance.json"]
        }
      },
      {
        # A function stops where another release has taken over, and takes over again where its own is redriven.
        functions = keys(local.functions)
        statement = {
          # https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html: If-Match needs GetObject.
          Sid      = "HoldRunningRelease"
          Effect   = "Allow"
          Action   = ["s3:GetObject", "s3:PutObject"]
          Resource = ["${var.ledger_bucket_arn}/running.json"]
        }
      },
      {
        functions = keys(local.functions)
        statement = {
          # https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html: a step is written once, with
          # If-None-Match.
          Sid      = "KeepSteps"
          Effect   = "Allow"
          Action   = ["s3:GetObject", "s3:PutObject"]
          Resource = ["${var.ledger_bucket_arn}/work/*"]
        }
      },
      {
        functions = ["deploy_ecs", "validate_deploy"]
        statement = {
          # https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html: If-Match needs GetObject.
          Sid      = "KeepTargets"
          Effect   = "Allow"
          Action   = ["s3:GetObject", "s3:PutObject"]
          Resource = ["${var.ledger_bucket_arn}/targets/*"]
        }
      },
      {
        functions = ["init_config", "validate_deploy"]
        statement = {
          # https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html: what was asked for, and what came of it.
          Sid      = "KeepReleases"
          Effect   = "Allow"
          Action   = ["s3:PutObject"]
          Resource = ["${var.ledger_bucket_arn}/releases/*"]
        }
      },
      {
        functions = ["validate_deploy"]
        statement = {
          # https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
          Sid      = "KeepCurrent"
          Effect   = "Allow"
          Action   = ["s3:PutObject"]
          Resource = ["${var.ledger_bucket_arn}/current.json"]
        }
      },
      {
        functions = keys(local.functions)
        statement = {
          # https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html: without this right, S3 answers 403 for an
          # absent key, and 404 with it. A condition on s3:prefix would take it away: a read has no prefix.
          Sid      = "TellAbsentKeys"
          Effect   = "Allow"
          Action   = ["s3:ListBucket"]
          Resource = [var.ledger_bucket_arn]
        }
      },
    ],
    [for arn in compact([var.ledger_kms_key_arn]) : {
      functions = keys(local.functions)
      statement = {
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html: Decrypt to read,
        # GenerateDataKey to write.
        Sid      = "UseLedgerKey"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource = [arn]
      }
    }],
  )
  ledger_statements = {
    for key in keys(local.functions) :
    key => [for right in local.ledger_rights : right.statement if contains(right.functions, key)]
  }
}
