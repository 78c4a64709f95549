curl -s --location \
'https://azp-primary-api.azurewebsites.net/graphql/' \
--header 'Content-Type: application/json' \
--data '{"query":"mutation signIn {signIn(useManagementflow: true, credentials: { userName: \"xxxx\", password: \"yyyy\" }) {accessToken refreshToken}}","variables":{}}'
