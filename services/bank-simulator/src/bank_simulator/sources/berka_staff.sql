-- Three people who are not in the source, so that somebody can log in; their names say so.

-- One row per invented employee.
CREATE VIEW landing_employees AS
SELECT getvariable('first_day') AS delivered_on, *
FROM (VALUES
    ('DEMO-UNION-HEAD', 'Demo: head of the union', 'BERKA'),
    ('DEMO-BRANCH-HEAD', 'Demo: head of branch BERKA-D001', 'BERKA-D001'),
    ('DEMO-OPERATIONS', 'Demo: operations', 'BERKA')
) AS staff (employee_id, name, home_org_id);

-- One row per invented employee.
CREATE VIEW landing_employee_roles AS
SELECT
    delivered_on,
    employee_id,
    home_org_id AS org_id,
    CASE employee_id WHEN 'DEMO-OPERATIONS' THEN 'operations' ELSE 'branch_head' END AS role,
    delivered_on AS effective_from
FROM landing_employees;
