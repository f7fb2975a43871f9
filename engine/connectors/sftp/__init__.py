"""SFTP: a folder of a server that is watched, a folder of a server that is written to.

A source takes what a supplier leaves, over one connection with many files under way:

    source:
      type: sftp
      address: sftp.meridian-medical.example:22
      user: harbor
      private_key: file:secrets/meridian_ed25519
      known_hosts: config/known_hosts
      folder: /outgoing
      pattern: "*.edi"

A destination writes each delivery once, under a temporary name first:

    destinations:
      - name: to_meridian
        type: sftp
        address: sftp.meridian-medical.example:2222
        user: harbor
        password: env:MERIDIAN_PASSWORD
        host_keys: ["SHA256:qs1dXNn5BqmhkWqvRKVPoKcUvYyeVhgtdRcYFc2NNrE"]
        folder: /incoming
        file_name: "{partner}_{control_number}.edi"
        format: x12

The server's key is pinned, always: by a file as `ssh-keyscan` writes it (compare it with what the server's
operator tells), or by fingerprints. A key that is not pinned is refused and never added.
"""
