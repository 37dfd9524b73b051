-- One row per ordinary customer and branch with business (or the home branch of one without):
-- decided first is who answers for him there; how the extracts say it follows from that.
-- via: assigned (a manager at work), left (a manager who is gone), none (nobody was named)
CREATE OR REPLACE TABLE decided AS
WITH place AS (
    SELECT no, main_branch AS branch_id FROM ordinary WHERE kind <> 'invalid'
    UNION SELECT no, second_branch FROM ordinary WHERE kind = 'two'
    UNION SELECT no, far_branch FROM ordinary WHERE far
), drawn AS (
    SELECT p.*, mc.managers,
        CASE WHEN draw('via', p.no, 100) < 84 THEN 'assigned' WHEN draw('via', p.no, 100) < 87 THEN 'left'
             ELSE 'none' END AS via
    FROM place AS p JOIN manager_count AS mc USING (branch_id)
)
SELECT d.no, d.branch_id, d.via, named.manager_id AS named,
    CASE WHEN d.via = 'assigned' THEN named.manager_id ELSE 'V:' || d.branch_id END AS manager_id
FROM drawn AS d
LEFT JOIN manager AS named ON named.branch_id = d.branch_id AND named.token = CASE d.via
    WHEN 'assigned' THEN 'm' || draw('manager', d.no, d.managers) WHEN 'left' THEN 'left' END;

CREATE OR REPLACE TABLE assignment AS
SELECT no, branch_id, named AS manager_id FROM decided JOIN customer USING (no)
WHERE named IS NOT NULL AND NOT newcomer
UNION ALL SELECT no, branch_id, manager_id FROM case_assignment;

CREATE OR REPLACE TABLE newcomer_assignment AS
SELECT no, branch_id, named AS manager_id FROM decided JOIN customer USING (no)
WHERE named IS NOT NULL AND newcomer;
