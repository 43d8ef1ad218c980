#!/bin/sh
# Runs once, when the database's volume is empty: who owns the schema, who serves.
set -eu
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
    -v owner_password="$OWNER_PASSWORD" -v service_password="$SERVICE_PASSWORD" <<'SQL'
CREATE ROLE redumbrella_owner LOGIN CREATEROLE PASSWORD :'owner_password';
-- Holds no table, and so cannot rewrite what it may only append to. The owner administers
-- it: the migrations grant its rights.
CREATE ROLE redumbrella_app NOLOGIN;
GRANT redumbrella_app TO redumbrella_owner WITH ADMIN OPTION;
CREATE ROLE redumbrella_service LOGIN PASSWORD :'service_password' IN ROLE redumbrella_app;
CREATE DATABASE redumbrella OWNER redumbrella_owner
    TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'
    LC_COLLATE 'C' LC_CTYPE 'C.UTF-8';
SQL
