-- The source's own files, read as they are: nothing here knows the importer.
create table trans as
select * from read_csv($folder || '/trans_prefix.asc', delim = ';', header = true, quote = '"',
    columns = {
        'trans_id': 'bigint', 'account_id': 'bigint', 'date': 'varchar', 'type': 'varchar',
        'operation': 'varchar', 'amount': 'decimal(18,2)', 'balance': 'decimal(18,2)',
        'k_symbol': 'varchar', 'bank': 'varchar', 'account': 'varchar'
    });
create table loan as
select * from read_csv($folder || '/loan.asc', delim = ';', header = true, quote = '"',
    columns = {
        'loan_id': 'bigint', 'account_id': 'bigint', 'date': 'varchar', 'amount': 'decimal(18,2)',
        'duration': 'integer', 'payments': 'decimal(18,2)', 'status': 'varchar'
    });
create table disp as
select * from read_csv($folder || '/disp.asc', delim = ';', header = true, quote = '"',
    columns = {'disp_id': 'bigint', 'client_id': 'bigint', 'account_id': 'bigint', 'type': 'varchar'});
create table client as
select * from read_csv($folder || '/client.asc', delim = ';', header = true, quote = '"',
    columns = {'client_id': 'bigint', 'birth_number': 'varchar', 'district_id': 'integer'});
create table account as
select * from read_csv($folder || '/account.asc', delim = ';', header = true, quote = '"',
    columns = {
        'account_id': 'bigint', 'district_id': 'integer', 'frequency': 'varchar', 'date': 'varchar'
    });
create table standing_order as
select * from read_csv($folder || '/order.asc', delim = ';', header = true, quote = '"',
    columns = {
        'order_id': 'bigint', 'account_id': 'bigint', 'bank_to': 'varchar', 'account_to': 'varchar',
        'amount': 'decimal(18,2)', 'k_symbol': 'varchar'
    });
