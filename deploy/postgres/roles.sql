-- The roles, schemas and rights of Tulou CRM in the database this runs in; safe to run again.
-- Run by a superuser. Roles are created without a password and cannot log in until they get one.

DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['ocrm_owner', 'ocrm_app', 'acrm_owner', 'alerting_owner'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
            EXECUTE format(
                'CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOREPLICATION',
                role_name
            );
        END IF;
        EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO %I', current_database(), role_name);
    END LOOP;
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
END
$$;

REVOKE ALL ON SCHEMA public FROM PUBLIC;

CREATE SCHEMA IF NOT EXISTS ocrm AUTHORIZATION ocrm_owner;
CREATE SCHEMA IF NOT EXISTS acrm AUTHORIZATION acrm_owner;
CREATE SCHEMA IF NOT EXISTS alerting AUTHORIZATION alerting_owner;

-- Functions run for PUBLIC unless that is taken away.
ALTER DEFAULT PRIVILEGES FOR ROLE ocrm_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE acrm_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE alerting_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

-- The application works in ocrm and owns nothing there, so that row-level security binds it.
GRANT USAGE ON SCHEMA ocrm TO ocrm_app, acrm_owner;
ALTER DEFAULT PRIVILEGES FOR ROLE ocrm_owner IN SCHEMA ocrm
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ocrm_app;
ALTER DEFAULT PRIVILEGES FOR ROLE ocrm_owner IN SCHEMA ocrm
    GRANT USAGE, SELECT ON SEQUENCES TO ocrm_app;
ALTER DEFAULT PRIVILEGES FOR ROLE ocrm_owner IN SCHEMA ocrm
    GRANT EXECUTE ON FUNCTIONS TO ocrm_app;

-- The application, its migrations and alerting read what the batch publishes. Which tables, says the
-- batch for each parent table: a right on the partitions would go around their row-level security.
GRANT USAGE ON SCHEMA acrm TO ocrm_app, ocrm_owner, alerting_owner;

-- The batch reads what people entered (locks, consents, visits). Which tables, say the OCRM's
-- migrations: users, sessions and the audit log are nobody else's.
