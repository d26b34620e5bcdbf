"""Small folders as people have them: names of files → what stands in them. Ids, names and domains are made up."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Folder:
    """`files`: name → text. `titles`: name → what it is taken for. `rows`: tables of the dataset that the proposal makes, none
    where nothing can be proposed, and `stages` of its funnel. `unused`, `asks`: words of what is told and asked."""

    files: dict[str, str]
    titles: dict[str, str] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    stages: tuple[str, ...] = ()
    unused: dict[str, str] = field(default_factory=dict)
    asks: tuple[str, ...] = ()


HUBSPOT = "Record ID,First Name,Email,Create Date,Lifecycle Stage,Became a Customer Date\n"
PEOPLE = "Person - ID,Person - Name,Person - Email - Work,Person - Person created,Person - Organization\n"
DEALS = (
    "Deal - ID,Deal - Title,Deal - Value,Deal - Currency,Deal - Status,Deal - Deal created,Deal - Won time,Deal - Lost time,"
    "Deal - Contact person ID\n"
)
SF_LEAD = "Id,IsDeleted,Company,LeadSource,Status,IsConverted,ConvertedDate,CreatedDate,NumberOfEmployees\n"
SF_LEADS = (
    "00Q1,false,Acme,Web,Converted,true,2026-02-05,2026-01-05T14:00:00.000Z,100\n"
    "00Q2,false,Beta,Web,Open,false,,2026-01-06T14:00:00.000Z,200\n"
    "00Q3,true,Beta,Web,Open,false,,2026-01-07T14:00:00.000Z,\n"
)

FOLDERS = {
    "hubspot_english": Folder(
        {
            "hubspot-crm-exports-all-contacts-2026-03-01.csv": HUBSPOT
            + "11,Ada,ada@acme.example,2026-01-05 10:00,Customer,2026-02-05 09:00\n12,Bea,b@b.example,2026-01-06 08:00,Lead,\n",
            "companies.csv": "Record ID,Company name,Company Domain Name,Industry,Number of Employees\n5,Acme,acme.example,IT,12\n",
        },
        {"companies.csv": "HubSpot companies"},
        {"leads": 2, "lead_stages": 1},
        ("lead", "customer"),
        {"companies.csv": "none of its companies"},
    ),
    "hubspot_with_deals_and_activities": Folder(
        {
            "contacts.csv": "Record ID,Email,Create Date,Lifecycle Stage,Primary Associated Company ID\n"
            "1,a@acme.example,2026-01-05 10:00,Lead,77\n2,b@beta.example,2026-01-06 10:00,Lead,78\n3,c@c.example,2026-01-07 10:00,Lead,\n",
            "companies.csv": "Record ID,Company name,Industry,Number of Employees,Create Date\n77,Acme,IT,250,2025-01-01\n78,Beta,Food,,2025-01-01\n",
            "deals.csv": "Record ID,Deal Name,Deal Stage,Close Date,Amount,Create Date,Associated Contact IDs\n"
            "901,Big,Closed Won,2026-02-20 10:00,5000,2026-01-20 10:00,1\n902,Small,Closed Lost,2026-02-25 10:00,10,2026-01-21 10:00,2\n"
            "903,Lone,Appointment scheduled,,,2026-01-22 10:00,\n",
            "activities.csv": "Activity Type,Activity Date,Associated Contact IDs\nCall,2026-01-10 10:00,1\nNote,2026-01-11 10:00,1\n"
            "Meeting,2026-01-12 10:00,2\n",
        },
        {"deals.csv": "HubSpot deals", "activities.csv": "HubSpot activities", "companies.csv": "HubSpot companies"},
        {"leads": 3, "companies": 2, "deals": 3, "interactions": 2, "lead_stages": 2},
        ("lead", "customer"),
    ),
    "hubspot_french": Folder(
        {
            "contacts.csv": "ID d'enregistrement;Prénom;Adresse e-mail;Date de création;Phase du cycle de vie;Nom de l'entreprise;"
            "Nombre d'employés\n1;Ada;a@acme.example;05/01/2026 10:00;Client;Acme;1.200\n"
            "2;Bea;b@b.example;26/01/2026 10:00;Lead;Beta;35\n"
        },
        {"contacts.csv": "HubSpot contacts"},
        {"leads": 2, "companies": 2, "lead_stages": 2},
        ("lead", "customer"),
        asks=("count as a no",),
    ),
    "hubspot_spanish": Folder(
        {
            "contactos.csv": "ID de registro,Nombre,Correo,Fecha de creación,Etapa del ciclo de vida,"
            "Fecha en que se convirtió en cliente\n1,Ada,a@a.example,2026-01-05 10:00,Cliente,2026-02-05 10:00\n"
            "2,Bea,b@b.example,2026-01-06 10:00,Lead,\n"
        },
        {"contactos.csv": "HubSpot contacts"},
        {"leads": 2, "lead_stages": 1},
        ("lead", "customer"),
    ),
    "hubspot_without_outcome": Folder(
        {"contacts.csv": "Record ID,Email,Create Date\n1,a@a.example,2026-01-05\n2,b@b.example,2026-01-06\n"},
        {"contacts.csv": "HubSpot contacts"},
        asks=("which column, or which other file",),
    ),
    "salesforce_data_export": Folder(
        {
            "Lead.csv": SF_LEAD + SF_LEADS,
            "Contact.csv": "Id,IsDeleted,AccountId,LastName,Email,LeadSource,CreatedDate\n0031,false,0011,Low,a@a.example,Web,"
            "2026-01-05T14:00:00.000Z\n",
            "Account.csv": "Id,IsDeleted,Name,Industry,NumberOfEmployees,BillingCountry,CreatedDate\n0011,false,Acme,IT,100,DE,"
            "2025-01-05T14:00:00.000Z\n",
            "Opportunity.csv": "Id,IsDeleted,AccountId,Name,StageName,Amount,CloseDate,IsWon,IsClosed,CreatedDate\n"
            "0061,false,0011,Deal,Closed Won,10,2026-03-01,true,true,2026-02-05T14:00:00.000Z\n",
            "LeadHistory.csv": "Id,IsDeleted,LeadId,CreatedById,CreatedDate,Field,OldValue,NewValue\n"
            "0171,false,00Q1,0051,2026-01-08T10:00:00.000Z,Status,Open,Working - Contacted\n"
            "0172,false,00Q1,0051,2026-01-09T10:00:00.000Z,Owner,Jane Low,Converted Bob\n",
            "Task.csv": "Id,IsDeleted,WhoId,WhatId,Subject,ActivityDate,Status,TaskSubtype,CompletedDateTime\n"
            "00T1,false,00Q1,,Call,2026-01-10,Completed,Call,2026-01-10T10:00:00.000Z\n00T2,false,,0061,Mail,2026-01-11,Completed,Email,\n"
            "00T3,true,00Q2,,Mail,2026-01-11,Completed,Email,2026-01-11T10:00:00.000Z\n",
            "Event.csv": "Id,WhoId,Subject,StartDateTime,EndDateTime,DurationInMinutes\n00U1,00Q2,Demo,2026-01-12T10:00:00.000Z,"
            "2026-01-12T11:00:00.000Z,60\n",
            "Campaign.csv": "Id,Name,Type,Status,StartDate,BudgetedCost\n7011,Fair,Event,Planned,2026-01-01,100\n",
            "CampaignMember.csv": "Id,CampaignId,LeadId,ContactId,Status,HasResponded,CreatedDate,FirstRespondedDate\n"
            "00v1,7011,00Q1,,Responded,true,2026-01-13T10:00:00.000Z,2026-01-14\n00v2,7011,,0031,Sent,false,2026-01-13T10:00:00.000Z,\n",
            "OpportunityFieldHistory.csv": "Id,OpportunityId,Field,OldValue,NewValue,CreatedDate\n0081,0061,StageName,Open,Closed Won,"
            "2026-03-01T10:00:00.000Z\n",
            "OpportunityContactRole.csv": "Id,OpportunityId,ContactId,Role,IsPrimary\n00K1,0061,0031,Buyer,true\n",
        },
        {
            "Lead.csv": "Salesforce leads (data export)",
            "Contact.csv": "Salesforce contacts",
            "Account.csv": "Salesforce accounts",
            "Opportunity.csv": "Salesforce opportunities",
            "LeadHistory.csv": "Salesforce lead history (report or data export)",
            "Task.csv": "Salesforce tasks (data export)",
            "Event.csv": "Salesforce events (data export)",
            "Campaign.csv": "Salesforce campaigns",
            "CampaignMember.csv": "Salesforce campaign members",
            "OpportunityFieldHistory.csv": "Salesforce opportunity history",
            "OpportunityContactRole.csv": "Salesforce contact roles of opportunities",
        },
        {"leads": 2, "companies": 2, "interactions": 3, "lead_stages": 2},
        ("lead", "mql", "sql"),
        {
            "Contact.csv": "taken from Lead.csv",
            "Campaign.csv": "tells of campaigns",
            "OpportunityFieldHistory.csv": "opportunities",
        },
    ),
    "salesforce_contacts_and_opportunities": Folder(
        {
            "extract_contact.csv": "ID,ACCOUNTID,LASTNAME,EMAIL,TITLE,CREATEDDATE,STATUS__C\n0031,0011,Low,a@a.example,CEO,2026-01-05T14:00:00Z,Customer\n"
            "0032,0012,High,b@b.example,CFO,2026-01-06T14:00:00Z,Lost\n",
            "extract_account.csv": "ID,NAME,INDUSTRY,NUMBEROFEMPLOYEES\n0011,Acme,IT,10\n0012,Beta,Food,\n",
            "extract_opportunity.csv": "ID,ACCOUNTID,NAME,STAGENAME,AMOUNT,CLOSEDATE,CREATEDDATE,CONTACTID\n"
            "0061,0011,Deal,Closed Won,1000,2026-02-07,2026-01-07T14:00:00.000Z,0031\n",
        },
        {"extract_contact.csv": "Salesforce contacts", "extract_opportunity.csv": "Salesforce opportunities"},
        {"leads": 2, "companies": 2, "deals": 1, "lead_stages": 1},
        ("lead", "customer"),
    ),
    "salesforce_report_german": Folder(
        {
            "report1770000000.csv": '"Lead-ID","Lead-Inhaber","Titel","Firma / Account","Leadquelle","Erstelldatum","Umgewandelt am"\n'
            '"00Q1","Jana","Leitung","Acme","Web","05.01.2026","31.01.2026"\n"00Q2","Jana","","Beta","Messe","06.01.2026",""\n'
        },
        {"report1770000000.csv": "Salesforce leads (report)"},
        {"leads": 2, "lead_stages": 1},
        ("lead", "sql"),
    ),
    "salesforce_report_two_status_columns": Folder(
        {
            "leads.csv": "Lead ID,Lead Owner,Lead Source,Lead Status,Converted,Created Date\n00Q1,J,Web,Closed - Converted,1,1/5/2026\n"
            "00Q2,J,Web,Open - Not Contacted,0,1/6/2026\n00Q3,J,Web,Unqualified,0,1/26/2026\n"
        },
        {"leads.csv": "Salesforce leads (report)"},
        {"leads": 3, "lead_stages": 3},
        ("lead", "customer"),
        asks=("'Converted' or 'Lead Status'",),
    ),
    "marketo_bulk": Folder(
        {
            "leads.csv": "id,email,createdAt,updatedAt,leadSource,leadStatus,company\n5,a@b.example,2026-01-01T00:00:00Z,2026-02-01T00:00:00Z,"
            "Web,Customer,Acme\n6,c@d.example,2026-01-02T00:00:00Z,2026-02-01T00:00:00Z,null,Disqualified,null\n",
            "activities.csv": "marketoGUID,leadId,activityDate,activityTypeId,campaignId,primaryAttributeValueId,primaryAttributeValue,"
            'attributes\n1,5,2026-01-03T00:00:00Z,10,7,1,Mail,"{}"\n2,6,2026-01-04T00:00:00Z,12,null,5,null,"{}"\n',
        },
        {"leads.csv": "Marketo leads (bulk extract)", "activities.csv": "Marketo activities (bulk extract)"},
        {"leads": 2, "lead_stages": 2},
        ("lead", "customer"),
        {"activities.csv": "beside an outcome without a day"},
    ),
    "marketo_list": Folder(
        {
            "list.csv": "Id,Email Address,First Name,Job Title,Company Name,Person Source,Person Score,Created,Is Customer\n"
            "1,a@b.example,Ada,CEO,Acme,Web,10,2026-01-05 10:00:00,true\n2,c@d.example,Bea,CFO,Acme,Web,1,2026-01-06 10:00:00,false\n"
        },
        {"list.csv": "Marketo leads (list export)"},
        {"leads": 2, "lead_stages": 2},
        ("lead", "customer"),
    ),
    "pipedrive": Folder(
        {
            "people-1.csv": PEOPLE + "1,Ada,a@a.example,2026-01-05 10:00:00,Acme\n2,Bea,b@b.example,2026-01-06 10:00:00,Beta\n",
            "deals-1.csv": DEALS
            + "7,Big,500,EUR,Won,2026-01-10 10:00:00,2026-02-10 10:00:00,,1\n8,Low,50,EUR,Lost,2026-01-11 10:00:00,,2026-02-11 10:00:00,2\n",
            "organizations-1.csv": "Organization - ID,Organization - Name,Organization - Address,Organization - Industry\n1,Acme,x,IT\n2,Beta,y,Food\n",
            "activities-1.csv": "Activity - ID,Activity - Subject,Activity - Type,Activity - Marked as done time,Activity - Contact person ID\n"
            "1,Talk,Call,2026-01-12 10:00:00,1\n2,Do,Task,2026-01-13 10:00:00,1\n",
            "leads-1.csv": "Lead - ID,Lead - Title,Lead - Contact person,Lead - Lead created\nabc,Inquiry,Ada,2026-01-05\n",
        },
        {"deals-1.csv": "Pipedrive deals", "organizations-1.csv": "Pipedrive organizations", "leads-1.csv": "Pipedrive leads"},
        {"leads": 2, "companies": 2, "deals": 2, "interactions": 1, "lead_stages": 4},
        ("lead", "sql", "customer"),
        {"leads-1.csv": "export the people"},
    ),
    "zoho": Folder(
        {
            "Leads_001.csv": "Record Id,Lead Owner.id,Lead Owner,Company,Email,Lead Source,Lead Status,Created Time,Converted Date Time\n"
            "zcrm_1,zcrm_9,Jo,Acme,a@a.example,Web,Contacted,2026-01-05 10:00:00,2026-02-05 10:00:00\n"
            "zcrm_2,zcrm_9,Jo,Beta,b@b.example,Web,Lost Lead,2026-01-06 10:00:00,\n"
        },
        {"Leads_001.csv": "Zoho CRM leads"},
        {"leads": 2, "lead_stages": 1},
        ("lead", "sql"),
    ),
    "dynamics": Folder(
        {
            "My Open Leads.csv": "(Do Not Modify) Lead,(Do Not Modify) Row Checksum,Topic,Status Reason,Created On,Company Name,Lead Source\n"
            "a-1,x,Inquiry,Qualified,1/25/2026 10:00 AM,Acme,Web\na-2,y,Inquiry,Lost,1/26/2026 10:00 AM,Beta,Web\na-3,y,Inq,Won,1/27/2026 9:00 AM,Beta,Web\n"
        },
        {"My Open Leads.csv": "Dynamics 365 leads"},
        {"leads": 3, "lead_stages": 2},
        ("lead", "customer"),
        asks=("taken for still open",),
    ),
    "mailchimp": Folder(
        {
            "subscribed.csv": "Email Address,First Name,MEMBER_RATING,OPTIN_TIME,CC,LEID,Customer\na@a.example,Ada,2,2026-01-05 10:00:00,DE,1,yes\n"
            "b@b.example,Bea,3,2026-01-06 10:00:00,FR,2,no\n"
        },
        {"subscribed.csv": "Mailchimp audience"},
        {"leads": 2, "lead_stages": 2},
        ("lead", "customer"),
    ),
    "own_tables": Folder(
        {
            "leads.csv": "lead_id,created_at,source,company_id\n1,2026-01-01T10:00:00Z,web,c1\n2,2026-01-02T10:00:00Z,ads,c2\n",
            "companies.csv": "company_id,industry,employees\nc1,IT,50\nc2,Food,\n",
            "interactions.csv": "lead_id,type,at,content\n1,page_view,2026-01-03T10:00:00Z,a\n1,call,2026-01-04T10:00:00Z,b\n",
            "lead_stages.csv": "lead_id,lead_stage,at\n1,customer,2026-01-20T10:00:00Z\n2,lost,2026-02-20T10:00:00Z\n",
            "deals.csv": "deal_id,lead_id,created_at,closed_at,amount,status\nd1,1,2026-01-05T10:00:00Z,2026-01-20T10:00:00Z,9,won\n",
        },
        {name: "plain" for name in ("companies.csv", "interactions.csv", "deals.csv")},
        {"leads": 2, "companies": 2, "interactions": 2, "lead_stages": 2, "deals": 1},
        ("lead", "customer"),
    ),
    "plain_history": Folder(
        {
            "crm/people.tsv": "Lead ID\tCreated\tSource\tEmployees\nL1\t2026-01-05\tWeb\t51-200\nL2\t2026-01-06\tAds\t1-10\n",
            "crm/history.txt": "Lead ID|Stage|Date\nL1|Marketing Qualified|2026-01-10\nL1|Closed Won|2026-02-10\nL2|Closed Lost|2026-02-11\n",
            "crm/log.csv": "Lead ID,Event,Timestamp\nL1,Visit,2026-01-06 10:00\nL1,Form,2026-01-07 10:00\nL9,Form,2026-01-07 10:00\n",
        },
        {"crm/history.txt": "lead stages (plain names)", "crm/log.csv": "interactions (plain names)"},
        {"leads": 2, "interactions": 2, "lead_stages": 3},
        ("lead", "mql", "customer"),
    ),
    "plain_flat_dated": Folder(
        {
            "export.csv": "Lead ID,Created,Stage,Source,Won,Won Date\n1,2026-01-05,Closed,Web,1,2026-02-05\n2,2026-01-06,Open,Web,0,\n"
            "3,2026-01-07,Open,Ads,0,\n"
        },
        {"export.csv": "leads (plain names)"},
        {"leads": 3, "lead_stages": 1},
        ("lead", "customer"),
    ),
    "plain_flat_without_dates": Folder(
        {"data.csv": "Channel;Employees;Converted\nWeb;12;yes\nAds;7;no\nWeb;1;no\nFair;;\n"},
        {"data.csv": "leads (plain names)"},
        {"leads": 4, "lead_stages": 3},
        ("lead", "customer"),
    ),
    "two_outcomes": Folder(
        {"data.csv": "id,channel,won,converted\n1,Web,1,1\n2,Ads,0,1\n3,Web,0,0\n"},
        {"data.csv": "leads (plain names)"},
        {"leads": 3, "lead_stages": 3},
        ("lead", "customer"),
        asks=("'won' or 'converted'",),
    ),
    "outcome_in_strange_words": Folder(
        {"data.csv": "age,target\n31,A\n40,B\n50,B\n"},
        {"data.csv": "leads (plain names)"},
        {"leads": 3, "lead_stages": 3},
        ("lead", "customer"),
        asks=("which value of 'target' is the yes? 'A', the rarer one",),
    ),
    "days_of_purchases": Folder(
        {
            "students.csv": "student_id;date_registered\n1;2022-01-01\n2;2022-01-02\n3;2022-01-03\n",
            "bought.csv": "purchase_id;student_id;date_purchased\n9;1;2022-02-01\n8;1;2022-03-01\n",
            "watched.csv": "student_id;date_watched\n1;2022-01-03\n1;2022-01-04\n2;2022-01-05\n",
        },
        {"bought.csv": "plain", "watched.csv": "interactions (plain names)"},
        {"leads": 3, "interactions": 3, "lead_stages": 1},
        ("lead", "customer"),
    ),
    "years_in_two_files": Folder(
        {
            "Lead_2024.csv": SF_LEAD + SF_LEADS,
            "Lead_2025.csv": SF_LEAD
            + SF_LEADS.replace("00Q", "00X").replace("Acme", "Delta")
            + "00X9,false,Z,Web,Open,false,,2026-01-09T14:00:00.000Z,\n",
        },
        {"Lead_2024.csv": "Salesforce leads (data export)"},
        {"leads": 3, "companies": 3, "lead_stages": 1},
        ("lead", "sql"),
        {"Lead_2024.csv": "join the files into one"},
    ),
    "day_or_month_first": Folder(
        {"leads.csv": "Lead ID,Created Date,Customer Date\n1,01/02/2026,05/06/2026\n2,03/04/2026,\n"},
        {"leads.csv": "leads (plain names)"},
        {"leads": 2, "lead_stages": 1},
        ("lead", "customer"),
        asks=("could be day/month or month/day",),
    ),
    "odd_values": Folder(
        {
            "leads.csv": "Lead ID,Created Date,Company,Employees,Unsubscribed,Won Date\n1,2026-01-01,Acme,10,maybe,2026-02-01\n"
            + "".join(f"{i},2026-01-02,Acme,,no,\n" for i in range(2, 25))
            + "25,n.a.,Beta,many,no,tbd\n,2026-01-02,Beta,5,no,\n1,2026-01-05,Acme,,no,\n"
        },
        {"leads.csv": "leads (plain names)"},
        {"leads": 24, "companies": 2, "lead_stages": 1},
        ("lead", "customer"),
        asks=("somebody opted out",),
    ),
    "nothing_known": Folder(
        {"a.csv": "x,y1\n1,2\n3,4\n"},
        {"a.csv": ""},
    ),
    "no_days_of_leads_beside_days": Folder(
        {
            "people.csv": "Person - ID,Person - Name,Person - Email\n1,Ada,a@a.example\n2,Bea,b@b.example\n",
            "deals-1.csv": DEALS + "7,Big,500,EUR,Won,2026-01-10 10:00:00,2026-02-10 10:00:00,,1\n",
        },
        {"people.csv": "Pipedrive people"},
    ),
}
