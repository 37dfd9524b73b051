#!/usr/bin/env bash
# Gives the roles of roles.sql their passwords; part of the first start of the PostgreSQL image.
set -euo pipefail

give() {
    psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --set role="$1" --set password="$2" \
        --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<<'ALTER ROLE :"role" PASSWORD :'"'password'"
}

give ocrm_owner "${OCRM_OWNER_PASSWORD:?}"
give ocrm_app "${OCRM_APP_PASSWORD:?}"
give acrm_owner "${ACRM_OWNER_PASSWORD:?}"
give alerting_owner "${ALERTING_OWNER_PASSWORD:?}"
