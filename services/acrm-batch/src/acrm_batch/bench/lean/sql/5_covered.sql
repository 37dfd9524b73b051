-- Every place of an active customer, and where he is covered without any business.
create temp table covered as
select
    places.place_id,
    coalesce(places.customer_id, coverage.customer_id) as customer_id,
    coalesce(places.branch_id, coverage.branch_id) as branch_id
from places
full join (select distinct customer_id, branch_id from @engine.int_coverage) as coverage
    on coverage.customer_id = places.customer_id and coverage.branch_id = places.branch_id
join people on people.customer_id = coalesce(places.customer_id, coverage.customer_id)
where people.is_active;
