"""S3: objects of a bucket that are watched, objects that are put into one. Any server that speaks S3.

A source takes what a supplier or another system puts there, each object once:

    source:
      type: s3
      endpoint: https://objects.harbor.example
      bucket: suppliers
      prefix: prices/
      pattern: "*.csv"
      access_key: env:OBJECTS_ACCESS_KEY
      secret_key: env:OBJECTS_SECRET_KEY
      after: move

A destination puts each delivery once, under a name that nothing else has:

    destinations:
      - name: archive
        type: s3
        region: us-east-2
        bucket: harbor-archive
        prefix: orders/
        file_name: "{natural_key}_{key}.json"
        format: json
        encryption: aws:kms
        access_key: env:ARCHIVE_ACCESS_KEY
        secret_key: env:ARCHIVE_SECRET_KEY

Keys come from settings only: neither this machine's AWS files, nor its environment, nor a metadata service is asked.
"""
