"""The Code services: CodeCommit, CodePipeline and CodeBuild, played on this machine."""
