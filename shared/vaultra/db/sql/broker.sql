-- The embedded broker's turn: one call settles what ended, buries what used up its attempts and leases what is due.
-- Session functions (pg_temp): their plans are kept, and a turn costs one round trip. Only the pusher makes them.

create function pg_temp.broker_turn(outcomes jsonb, places jsonb)
returns table (subscription text, endpoint text, ack_deadline_seconds float, message_id bigint, data bytea,
               attributes jsonb, ordering_key text, published_at timestamptz, attempt int, exhausted boolean,
               counts_attempts boolean)
language plpgsql
-- The queue is read from its old end through the key; a sort of the whole backlog for four rows is never right.
set enable_sort = off set enable_bitmapscan = off set enable_seqscan = off set enable_hashjoin = off
as $$
#variable_conflict use_column
declare
    leased record;
    dead jsonb := '[]';
begin
    -- An outcome is {subscription, message_id, attempt, error, reached}; without an error it acknowledges.
    -- A failure of an earlier lease is ignored; a late success still counts.
    if jsonb_array_length(outcomes) > 0 then
        perform pg_temp.broker_forget((
            select coalesce(jsonb_agg(o), '[]') from jsonb_array_elements(outcomes) as o where o ->> 'error' is null));

        -- After the last attempt there is nothing to wait for. The exponent is bounded against overflow.
        update broker_deliveries d
        set last_error = o.error,
            attempts = d.attempts - case when o.reached then 0 else 1 end,
            visible_at = now() + make_interval(secs => case
                when o.reached and d.attempts >= s.max_attempts then 0
                else least(s.max_backoff_seconds, s.min_backoff_seconds * 2 ^ least(d.attempts - 1, 30)) end)
        from jsonb_to_recordset(outcomes) 
             as o(subscription text, message_id bigint, attempt int, error text, reached boolean)
        join broker_subscriptions s on s.name = o.subscription
        where o.error is not null
          and d.subscription = o.subscription and d.message_id = o.message_id and d.attempts = o.attempt;
    end if;

    for leased in
        with due as (
            select d.subscription, d.message_id
            from jsonb_each_text(places) as p(subscription, places)
            cross join lateral (
                select d.subscription, d.message_id
                from broker_deliveries d
                where d.subscription = p.subscription
                  and d.visible_at <= now()
                  -- Of an ordering key only the earliest outstanding message is ever handed out.
                  and (d.ordering_key = '' or not exists (
                      select from broker_deliveries earlier
                      where earlier.subscription = d.subscription
                        and earlier.ordering_key = d.ordering_key
                        and earlier.message_id < d.message_id))
                order by d.message_id
                limit p.places::int
                for update skip locked
            ) d
        )
        update broker_deliveries d
        set attempts = d.attempts + 1, visible_at = now() + make_interval(secs => s.ack_deadline_seconds)
        from due
        join broker_subscriptions s on s.name = due.subscription
        join broker_messages m on m.id = due.message_id
        where d.subscription = due.subscription and d.message_id = due.message_id
        returning d.subscription, s.endpoint, s.ack_deadline_seconds, d.message_id, m.data, m.attributes,
                  d.ordering_key, m.published_at, d.attempts as attempt,
                  coalesce(d.attempts > s.max_attempts, false) as exhausted,
                  s.max_attempts is not null as counts_attempts
    loop
        if leased.exhausted then
            dead := dead || jsonb_build_object('subscription', leased.subscription, 'message_id', leased.message_id);
        end if;
        subscription := leased.subscription;
        endpoint := leased.endpoint;
        ack_deadline_seconds := leased.ack_deadline_seconds;
        message_id := leased.message_id;
        data := leased.data;
        attributes := leased.attributes;
        ordering_key := leased.ordering_key;
        published_at := leased.published_at;
        attempt := leased.attempt;
        exhausted := leased.exhausted;
        counts_attempts := leased.counts_attempts;
        return next;
    end loop;

    if jsonb_array_length(dead) > 0 then
        perform pg_temp.broker_bury(dead);
    end if;
end
$$;

-- Publishes deliveries on their dead-letter topics, marked as Pub/Sub marks them, and forgets them.
create function pg_temp.broker_bury(keys jsonb) returns void language plpgsql as $$
begin
    with dead as (
        select m.id as source_id, s.dead_letter_topic as topic, m.data, m.ordering_key,
               m.attributes || jsonb_build_object(
                   'CloudPubSubDeadLetterSourceDeliveryCount', least(d.attempts, s.max_attempts)::text,
                   'CloudPubSubDeadLetterSourceSubscription', s.name,
                   'CloudPubSubDeadLetterSourceSubscriptionProject', 'vaultra-local',
                   'CloudPubSubDeadLetterSourceTopicPublishTime',
                   to_char(m.published_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"+00:00"')) as attributes
        from jsonb_to_recordset(keys) as k(subscription text, message_id bigint)
        join broker_subscriptions s on s.name = k.subscription
        join broker_deliveries d on d.subscription = k.subscription and d.message_id = k.message_id
        join broker_messages m on m.id = k.message_id
    ), kept as (
        insert into broker_messages (topic, data, attributes, ordering_key)
        select topic, data, attributes, ordering_key from dead
        where exists (select from broker_subscriptions s where s.topic = dead.topic)
        order by source_id
        returning id, topic, ordering_key
    )
    insert into broker_deliveries (subscription, message_id, ordering_key)
    select s.name, kept.id, kept.ordering_key from kept join broker_subscriptions s on s.topic = kept.topic;
    perform pg_temp.broker_forget(keys);
end
$$;

-- Removes deliveries, and their messages when they were the last.
create function pg_temp.broker_forget(keys jsonb) returns void language plpgsql as $$
begin
    delete from broker_deliveries d
    using jsonb_to_recordset(keys) as k(subscription text, message_id bigint)
    where d.subscription = k.subscription and d.message_id = k.message_id;

    delete from broker_messages m
    using jsonb_to_recordset(keys) as k(message_id bigint)
    where m.id = k.message_id and not exists (
        -- Written per subscription, because the key begins with it.
        select from broker_subscriptions s
        join broker_deliveries d on d.subscription = s.name and d.message_id = m.id
        where s.topic = m.topic);
end
$$;
